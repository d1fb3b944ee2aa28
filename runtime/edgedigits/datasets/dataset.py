"""What a data set is here, and how one is split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled images of one size.

    Attributes
    ----------
    images: uint8 ``[N, H, W, C]``, raw pixels 0-255.
    labels: int64 ``[N]``, indices into ``names``.
    names: one name a class, in the order of the class indices.
    source: where it came from, for people and manifests.

    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Refuse what no later stage could use.

        Raises
        ------
        DatasetError: wrong type or shape, no images, unequal counts, or a label without a name.

        """
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise DatasetError(
                f"{self.source}: expected uint8 images [N, H, W, C], found {self.images.dtype} "
                f"{list(self.images.shape)}; convert them first"
            )
        if not len(self.images) or len(self.images) != len(self.labels):
            raise DatasetError(
                f"{self.source}: expected as many labels as images and at least one, "
                f"found {len(self.images)} images and {len(self.labels)} labels"
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.names):
            raise DatasetError(
                f"{self.source}: expected labels 0 to {len(self.names) - 1}, found {low} to {high}; "
                "name every class or drop the strange labels"
            )

    def __len__(self) -> int:
        """Count of images."""
        return len(self.images)

    def take(self, indices: NDArray[np.int64]) -> Dataset:
        """The rows at ``indices``, in that order."""
        return Dataset(self.images[indices], self.labels[indices], self.names, self.source)

    def sha256(self) -> str:
        """Hash of shape, pixels and labels: the name under which manifests remember the data."""
        digest = hashlib.sha256(str(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Splits:
    """Three disjoint parts: fit on ``train``, choose on ``validation``, report on ``test``."""

    train: Dataset
    validation: Dataset
    test: Dataset


def split_stratified(dataset: Dataset, count: int, seed: int) -> tuple[Dataset, Dataset]:
    """Take ``count`` images out of a data set, every class in proportion.

    Returns ``(rest, taken)``, each in the original order; the same seed gives the same parts.

    Raises
    ------
    DatasetError: ``count`` leaves one of the two parts empty.

    """
    taken = choose_stratified(dataset, count, seed)
    rest = np.delete(np.arange(len(dataset)), taken)
    return dataset.take(rest), dataset.take(taken)


def choose_stratified(dataset: Dataset, count: int, seed: int) -> NDArray[np.int64]:
    """Rows, ascending int64 ``[count]``, every class in proportion (largest remainder); the same for the same seed.

    Raises
    ------
    DatasetError: not at least one row, or not fewer than there are.

    """
    total = len(dataset)
    if not 0 < count < total:
        raise DatasetError(f"{dataset.source}: cannot take {count} of {total} images and leave some")
    sizes = np.bincount(dataset.labels.astype(np.intp), minlength=len(dataset.names))
    shares = sizes * count / total
    quota = np.floor(shares).astype(np.int64)
    largest = np.argsort(quota - shares, kind="stable")[: count - int(quota.sum())]
    quota[largest] += 1
    rng = np.random.default_rng(seed)
    by_class = (np.flatnonzero(dataset.labels == label) for label in range(len(quota)))
    return np.sort(np.concatenate([rng.permutation(rows)[:n] for rows, n in zip(by_class, quota, strict=True)]))
