"""The images that calibrate integer models: chosen by seed, every class in proportion, written down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset, split_stratified
from edgedigits.errors import UsageError


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration images and what it takes to find them again.

    Attributes
    ----------
    images: uint8 ``[N, H, W, C]``.
    indices: int64 ``[N]``, ascending rows of the data set they come from.
    requested: how many were asked for; N is smaller where the data set has fewer.
    seed: of the choice.
    source: name of the data set.

    """

    images: NDArray[np.uint8]
    indices: NDArray[np.int64]
    requested: int
    seed: int
    source: str

    @property
    def indices_sha256(self) -> str:
        """Hash of the indices as little-endian int64."""
        return hashlib.sha256(self.indices.astype("<i8").tobytes()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The manifest's entry: all but the pixels and the indices themselves."""
        return {
            "source": self.source,
            "count": len(self.images),
            "requested": self.requested,
            "seed": self.seed,
            "indices_sha256": self.indices_sha256,
        }


def choose_calibration(dataset: Dataset, count: int, seed: int) -> Calibration:
    """Choose ``count`` images, every class in its proportion; all of them where there are not more.

    Raises
    ------
    UsageError: ``count`` is less than 1.

    """
    if count < 1:
        raise UsageError(f"expected at least 1 calibration image, found {count}; 500 is usual")
    rows = np.arange(len(dataset))
    if count < len(dataset):
        # A data set whose one-pixel "images" are the row numbers' bytes, so that the one rule for splitting decides.
        numbers = rows.astype("<u4").view(np.uint8).reshape(-1, 1, 1, 4)
        _, taken = split_stratified(Dataset(numbers, dataset.labels, dataset.names, dataset.source), count, seed)
        rows = np.ascontiguousarray(taken.images).view("<u4").reshape(-1).astype(np.int64)
    return Calibration(dataset.images[rows], rows, count, seed, dataset.source)
