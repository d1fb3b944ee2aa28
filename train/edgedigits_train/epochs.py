"""One epoch of training images, a pure function of the data, the seed and the epoch's number."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits_train.augment import AffineParameters, AffineRange, apply_affine


class Epoch(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Every image once, in an order and with transforms that ``seed`` and ``epoch`` alone decide.

    A resumed run therefore sees what the uninterrupted one would have seen, and no generator's state must be kept.
    """

    def __init__(self, data: Dataset, batch_size: int, *, seed: int, epoch: int, augment: bool) -> None:
        """Draw the epoch's order and transforms; the pixels are moved batch by batch."""
        super().__init__()
        rng = np.random.default_rng([seed, epoch])
        self._data = data
        self._batch_size = batch_size
        self._order = rng.permutation(len(data))
        self._matrices: NDArray[np.float32] | None = None
        if augment:
            size = (data.images.shape[1], data.images.shape[2])
            self._matrices = AffineParameters.draw(rng, len(data), size, AffineRange()).matrices(size)

    def __len__(self) -> int:
        """Count of batches; the last may be smaller."""
        return count_batches(len(self._data), self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """A batch of images, float32 ``[B, H, W, C]`` 0-255, and labels ``[B]``."""
        part = slice(index * self._batch_size, (index + 1) * self._batch_size)
        rows = self._order[part]
        images, labels = self._data.images[rows], self._data.labels[rows]
        if self._matrices is None:
            return images.astype(np.float32), labels
        return apply_affine(images, self._matrices[part]), labels


def count_batches(images: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    return -(-images // batch_size)
