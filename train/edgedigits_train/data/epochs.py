"""The batches of one epoch, a pure function of the training set, the seed and the epoch's number."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits_train.data.augmentation import Range, SamplingGrid
from edgedigits_train.data.training_set import TrainingSet

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
# First part of the seeds of the view and of the order, so that the two are independent.
_VIEW, _ORDER = 0x56494557, 0x4F524452
# How many batches are prepared in advance.
_AHEAD = 3


@dataclass(frozen=True, slots=True)
class View:
    """The images that an epoch shows, and their transforms.

    Attributes
    ----------
    rows: int64, the indices of the images, ascending.
    grid: the sampling grid of all images of the training set; None leaves them unchanged.

    """

    rows: NDArray[np.int64]
    grid: SamplingGrid | None

    @classmethod
    def draw(cls, training_set: TrainingSet, limits: Range | None, share: float, *, seed: int, epoch: int) -> View:
        """Draw the ``share`` of the pool that is shown, and transforms within ``limits``."""
        rng = np.random.default_rng([_VIEW, seed, epoch])
        return cls(training_set.draw_rows(rng, share), training_set.draw_grid(rng, limits))

    def pixels(self, training_set: TrainingSet, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the images with these indices as the epoch shows them, float32 ``[N, H, W, C]`` 0-255."""
        images = training_set.images(rows)
        return self.grid.apply(images, rows) if self.grid else images.astype(np.float32)


class Epoch:
    """Every image of a view once, in an order that ``seed`` and ``epoch`` decide.

    So a resumed run sees what the uninterrupted run would have seen, and a checkpoint needs no generator's state.
    """

    def __init__(self, training_set: TrainingSet, view: View, batch_size: int, *, seed: int, epoch: int) -> None:
        """Draw the order; images are transformed batch by batch."""
        self._training_set, self._view, self._batch_size = training_set, view, batch_size
        self._order = np.random.default_rng([_ORDER, seed, epoch]).permutation(view.rows)

    def __len__(self) -> int:
        """Return the count of batches; the last one may be smaller."""
        return count_batches(len(self._order), self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Yield all batches; a thread prepares the next ones, because a training step does not use all cores."""
        with ThreadPoolExecutor(1) as worker:
            prepared = deque(worker.submit(self.batch, index) for index in range(min(_AHEAD, len(self))))
            for index in range(len(self)):
                batch = prepared.popleft().result()
                if index + _AHEAD < len(self):
                    prepared.append(worker.submit(self.batch, index + _AHEAD))
                yield batch

    def batch(self, index: int) -> Batch:
        """Return a batch: images ``[B, H, W, C]`` 0-255, targets ``[B, classes]``, weights ``[B]``; all are float32."""
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = self._view.pixels(self._training_set, rows)
        return images, self._training_set.targets[rows], self._training_set.weights[rows]


def count_batches(images: int, batch_size: int) -> int:
    """Return how many batches an epoch of ``images`` has."""
    return -(-images // batch_size)
