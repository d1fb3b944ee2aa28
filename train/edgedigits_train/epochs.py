"""One epoch of training images, a pure function of the material, the seeds and the epoch's number."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits_train.augment import Field, Range
from edgedigits_train.material import Material

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
# Opens the seeds of transforms and of orders, so that neither follows from the other.
_MOVES, _ORDER = 0x4D4F5645, 0x4F524452


class Epoch(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Every image once, in an order that ``seed`` and ``epoch`` decide.

    A resumed run therefore sees what the uninterrupted one would have seen, and no generator's state must be kept.
    """

    def __init__(self, material: Material, field: Field | None, batch_size: int, *, seed: int, epoch: int) -> None:
        """Draw the order; ``field`` moves the pixels, batch by batch."""
        super().__init__()
        self._material, self._field, self._batch_size = material, field, batch_size
        self._order = np.random.default_rng([_ORDER, seed, epoch]).permutation(len(material))

    def __len__(self) -> int:
        """Count of batches; the last may be smaller."""
        return count_batches(len(self._material), self._batch_size)

    def __getitem__(self, index: int) -> Batch:
        """A batch: images float32 ``[B, H, W, C]`` 0-255, targets float32 ``[B, classes]``, weights float32 ``[B]``."""
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = self._material.take(rows)
        moved = self._field.apply(images, rows) if self._field else images.astype(np.float32)
        return moved, self._material.targets[rows], self._material.weights[rows]


def draw_moves(material: Material, limits: Range | None, *, seed: int, epoch: int) -> Field | None:
    """How the epoch moves each image, in the material's own order; None for not at all."""
    return material.draw(np.random.default_rng([_MOVES, seed, epoch]), limits)


def count_batches(images: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    return -(-images // batch_size)
