"""An epoch of ``--paper``: the data's own digits and the pool, mixed, with targets that may be "none of them"."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits_train.augment import AffineParameters, AffineRange, apply_affine
from edgedigits_train.epochs import count_batches
from edgedigits_train.pool import OUTLIER, Pool

# Of an outlier's loss in that of a step (lambda of Hendrycks et al.): digits come first.
OUTLIER_WEIGHT = 0.5
# The pool's digits are distorted already, and as they lie the pipeline will hand them over.
POOL_RANGE = AffineRange(rotation=4.0, scale=0.05, shear=0.06, shift=0.025)


class Mixture(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Every image of data and pool once, in an order and with transforms that ``seed`` and ``epoch`` alone decide."""

    def __init__(self, data: Dataset, pool: Pool, batch_size: int, *, seed: int, epoch: int, augment: bool) -> None:
        """Draw the epoch's order and transforms; ``augment`` is for the data's own images, the pool's always move."""
        super().__init__()
        rng = np.random.default_rng([seed, epoch])
        self._images = (data.images, pool.images)
        self._labels = np.concatenate([data.labels, pool.labels])
        self._batch_size = batch_size
        self._order = rng.permutation(len(self._labels))
        size = (data.images.shape[1], data.images.shape[2])
        own = AffineParameters.draw(rng, len(data), size, AffineRange()) if augment else None
        matrices = (own or AffineParameters.identity(len(data))).matrices(size)
        moved = AffineParameters.draw(rng, len(pool), size, POOL_RANGE).matrices(size)
        self._matrices = np.concatenate([matrices, moved])

    def __len__(self) -> int:
        """Count of batches; the last may be smaller."""
        return count_batches(len(self._order), self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """A batch: images float32 ``[B, 28, 28, 1]`` 0-255, targets float32 ``[B, 10]``, weights float32 ``[B]``."""
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = apply_affine(self._take(rows), self._matrices[rows])
        labels = self._labels[rows]
        return images, soft_targets(labels), np.where(labels == OUTLIER, np.float32(OUTLIER_WEIGHT), np.float32(1))

    @property
    def least_loss(self) -> float:
        """The mean loss, nats, of a network that is right and certain on digits and knows nothing of outliers."""
        return float(OUTLIER_WEIGHT * np.mean(self._labels == OUTLIER) * np.log(10))

    def _take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        data, pool = self._images
        images = np.empty((len(rows), *data.shape[1:]), np.uint8)
        own = rows < len(data)
        images[own], images[~own] = data[rows[own]], pool[rows[~own] - len(data)]
        return images


def soft_targets(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 ``[B, 10]``: 1 for the digit; for an outlier a tenth for each."""
    targets = np.full((len(labels), 10), 0.1, np.float32)
    digits = labels != OUTLIER
    targets[digits] = np.eye(10, dtype=np.float32)[labels[digits]]
    return targets


@keras.saving.register_keras_serializable(package="edgedigits")
class DigitAccuracy(keras.metrics.CategoricalAccuracy):  # type: ignore[misc]  # Keras has no types
    """Share of right answers among the digits of a mixture: outliers have no right answer."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002  Keras' contract
        """Count those whose target is one digit."""
        is_digit = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 0.5, "float32")
        return super().update_state(y_true, y_pred, sample_weight=is_digit)
