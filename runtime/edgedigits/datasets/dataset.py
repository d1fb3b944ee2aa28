"""A data set of labelled images, and its stratified split into parts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set: labelled images of one size.

    Attributes
    ----------
    images: uint8 ``[N, H, W, C]``, raw pixels from 0 to 255.
    labels: int64 ``[N]``, indices into ``names``.
    names: the name of each class, in the order of the class indices.
    source: where the data come from, as text for people and manifests.

    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Check the images and the labels.

        Raises
        ------
        DatasetError: images of another type or shape, no images, another number of labels, or a label without a name.

        """
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise DatasetError(
                f"{self.source}: expected uint8 images [N, H, W, C], found {self.images.dtype} "
                f"{list(self.images.shape)}; convert them first, with pixels from 0 to 255"
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
                "name every class or remove the other labels"
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def take(self, indices: NDArray[np.int64]) -> Dataset:
        """Return the images and labels at ``indices``, in that order."""
        return Dataset(self.images[indices], self.labels[indices], self.names, self.source)

    def sha256(self) -> str:
        """Return the hash of shape, pixels and labels, by which manifests identify the data."""
        digest = hashlib.sha256(str(self.images.shape).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        return digest.hexdigest()


def join(parts: Sequence[Dataset]) -> Dataset:
    """Return data sets of the same classes as one, in this order."""
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return Dataset(images, labels, parts[0].names, parts[0].source)


@dataclass(frozen=True, slots=True)
class Splits:
    """Three disjoint parts: ``train`` to fit, ``validation`` to make choices, ``test`` to report."""

    train: Dataset
    validation: Dataset
    test: Dataset


def split_stratified(dataset: Dataset, count: int, seed: int) -> tuple[Dataset, Dataset]:
    """Split ``count`` images off a data set, in proportion to the classes.

    Returns ``(rest, taken)``, each in the original order; the same seed gives the same parts.

    Raises
    ------
    DatasetError: one of the two parts would be empty.

    """
    taken = choose_stratified(dataset, count, seed)
    rest = np.delete(np.arange(len(dataset)), taken)
    return dataset.take(rest), dataset.take(taken)


def choose_stratified(dataset: Dataset, count: int, seed: int) -> NDArray[np.int64]:
    """Choose ``count`` images in proportion to the classes; return their ascending indices, int64 ``[count]``.

    The number for each class follows from the largest remainder method; the same seed gives the same images.

    Raises
    ------
    DatasetError: ``count`` is below 1, or not smaller than the number of images.

    """
    total = len(dataset)
    if not 0 < count < total:
        raise DatasetError(
            f"{dataset.source}: expected a part of 1 to {total - 1} of {total} images, found {count}; give more images"
        )
    sizes = np.bincount(dataset.labels.astype(np.intp), minlength=len(dataset.names))
    shares = sizes * count / total
    quota = np.floor(shares).astype(np.int64)
    largest = np.argsort(quota - shares, kind="stable")[: count - int(quota.sum())]
    quota[largest] += 1
    rng = np.random.default_rng(seed)
    by_class = (np.flatnonzero(dataset.labels == label) for label in range(len(quota)))
    return np.sort(np.concatenate([rng.permutation(rows)[:n] for rows, n in zip(by_class, quota, strict=True)]))
