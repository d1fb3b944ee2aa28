"""Choose the images that calibrate integer models: by seed, every class in its proportion, so that it can be redone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset, choose_stratified
from edgedigits.errors import UsageError


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration images, and what it takes to find them again.

    Attributes
    ----------
    images: uint8 ``[N, H, W, C]``.
    indices: int64 ``[N]``, ascending rows of the data set that they come from.
    seed: the seed of the choice.
    source: the name of the data set.

    """

    images: NDArray[np.uint8]
    indices: NDArray[np.int64]
    seed: int
    source: str

    @property
    def indices_sha256(self) -> str:
        """The hash of the indices as little-endian int64."""
        return hashlib.sha256(self.indices.astype("<i8").tobytes()).hexdigest()


def choose_calibration(dataset: Dataset, count: int, seed: int) -> Calibration:
    """Choose ``count`` images, every class in its proportion; all of them where there are not more.

    Raises
    ------
    UsageError: ``count`` is less than 1.

    """
    if count < 1:
        raise UsageError(f"expected at least 1 calibration image, found {count}; 500 is usual")
    whole = count >= len(dataset)
    rows = np.arange(len(dataset)) if whole else choose_stratified(dataset, count, seed)
    return Calibration(dataset.images[rows], rows, seed, dataset.source)
