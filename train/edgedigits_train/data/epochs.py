"""One epoch of training images, a pure function of the material, the seeds and the epoch's number."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits_train.data.augmentation import Field, Range
from edgedigits_train.data.training_set import Material

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
# Opens the seeds of what is seen and of its order, so that neither follows from the other.
_VIEW, _ORDER = 0x56494557, 0x4F524452
# Batches made while one is learned from.
_AHEAD = 3


@dataclass(frozen=True, slots=True)
class View:
    """What an epoch shows.

    Attributes
    ----------
    rows: int64, numbers of images, ascending.
    field: how each image of the material is moved; None for not at all.

    """

    rows: NDArray[np.int64]
    field: Field | None

    @classmethod
    def draw(cls, material: Material, limits: Range | None, share: float, *, seed: int, epoch: int) -> View:
        """Draw transforms and, of a pool, the ``share`` that is shown."""
        rng = np.random.default_rng([_VIEW, seed, epoch])
        return cls(material.choose(rng, share), material.draw(rng, limits))

    def pixels(self, material: Material, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Images with these numbers as they are shown, float32 ``[N, H, W, C]`` 0-255."""
        images = material.take(rows)
        return self.field.apply(images, rows) if self.field else images.astype(np.float32)


class Epoch:
    """Every image of a view once, in an order that ``seed`` and ``epoch`` decide.

    A resumed run therefore sees what the uninterrupted one would have seen, and no generator's state must be kept.
    """

    def __init__(self, material: Material, view: View, batch_size: int, *, seed: int, epoch: int) -> None:
        """Draw the order; the pixels are moved batch by batch."""
        self._material, self._view, self._batch_size = material, view, batch_size
        self._order = np.random.default_rng([_ORDER, seed, epoch]).permutation(view.rows)

    def __len__(self) -> int:
        """Count of batches; the last may be smaller."""
        return count_batches(len(self._order), self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """All batches; a thread makes the next ones meanwhile, since a step leaves the processor some room."""
        with ThreadPoolExecutor(1) as worker:
            coming = deque(worker.submit(self.batch, index) for index in range(min(_AHEAD, len(self))))
            for index in range(len(self)):
                batch = coming.popleft().result()
                if index + _AHEAD < len(self):
                    coming.append(worker.submit(self.batch, index + _AHEAD))
                yield batch

    def batch(self, index: int) -> Batch:
        """A batch: images float32 ``[B, H, W, C]`` 0-255, targets float32 ``[B, classes]``, weights float32 ``[B]``."""
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return self._view.pixels(self._material, rows), self._material.targets[rows], self._material.weights[rows]


def count_batches(images: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    return -(-images // batch_size)
