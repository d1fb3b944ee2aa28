"""What a run learns from: the data's own images, with ``--paper`` the pool's behind them, and what to answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits_train.data.augmentation import Field, Moves, Range, join
from edgedigits_train.synthetic.pool import OUTLIER, Pool

# Of an outlier's loss in that of a step (lambda of Hendrycks et al.): digits come first.
OUTLIER_WEIGHT = 0.5
# The pool's digits are distorted already, and as they lie the pipeline will hand them over.
POOL_RANGE = Range(rotation=4.0, scale=0.05, shear=0.06, shift=0.025)


@dataclass(frozen=True, slots=True)
class Material:
    """Training images and their targets.

    Attributes
    ----------
    parts: uint8 ``[N_i, H, W, C]`` each: the data's images, and the pool's if there is one.
    targets: float32 ``[N, classes]``, the probabilities wanted of all parts' images; with a pool one class more, the
        background, which is what an outlier is.
    weights: float32 ``[N]``, of their loss in that of a step.
    classes: how many of the classes callers will see: all but the background.

    """

    parts: tuple[NDArray[np.uint8], ...]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    classes: int

    @classmethod
    def of(cls, data: Dataset, pool: Pool | None = None, smoothing: float = 0.0) -> Material:
        """Data and pool; ``smoothing`` of a digit's probability is shared out among all classes.

        Label smoothing: C. Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016.
        """
        classes = len(data.names)
        if pool is None:
            targets = soft_targets(data.labels, classes, smoothing)
            return cls((data.images,), targets, np.ones(len(data), np.float32), classes)
        labels = np.concatenate([data.labels, pool.labels])
        outliers = labels == OUTLIER
        targets = soft_targets(np.where(outliers, classes, labels), classes + 1, smoothing)
        weights = np.where(outliers, np.float32(OUTLIER_WEIGHT), np.float32(1))
        return cls((data.images, pool.images), targets, weights, classes)

    def __len__(self) -> int:
        """Count of images."""
        return len(self.targets)

    def count_seen(self, share: float) -> int:
        """How many images an epoch shows: the data's own, and this share of the pool."""
        own = len(self.parts[0])
        return own + round(share * (len(self) - own))

    def choose(self, rng: np.random.Generator, share: float) -> NDArray[np.int64]:
        """The numbers of the images that an epoch shows, ascending."""
        own = len(self.parts[0])
        pool = rng.permutation(len(self) - own)[: self.count_seen(share) - own]
        return np.concatenate([np.arange(own), own + np.sort(pool)])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.parts[0].shape[1], self.parts[0].shape[2]

    def least_loss(self, rows: NDArray[np.int64]) -> float:
        """The mean loss, nats, of a network that answers these images as wanted.

        It is the entropy of soft targets, which is no mistake.
        """
        targets = self.targets[rows]
        entropy = -(targets * np.log(np.maximum(targets, np.finfo(np.float32).tiny))).sum(axis=1)
        return float(np.mean(self.weights[rows] * entropy, dtype=np.float64))

    def answered(self, rows: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Material:
        """The same with a teacher's answers, as wide as targets are, as those of the digits among ``rows``."""
        digits = self.weights[rows] == 1
        targets = self.targets.copy()
        targets[rows[digits]] = probabilities[digits]
        return replace(self, targets=targets)

    def draw(self, rng: np.random.Generator, limits: Range | None) -> Field | None:
        """How each image is moved; ``limits`` None leaves the data's own as they are, the pool's always move."""
        if limits is None and len(self.parts) == 1:
            return None
        ranges = (limits, POOL_RANGE)[: len(self.parts)]
        return join([_field(rng, len(part), self.size, limit) for part, limit in zip(self.parts, ranges, strict=True)])

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images with these numbers."""
        first = self.parts[0]
        images = np.empty((len(rows), *first.shape[1:]), np.uint8)
        own = rows < len(first)
        images[own] = first[rows[own]]
        if len(self.parts) > 1:
            images[~own] = self.parts[1][rows[~own] - len(first)]
        return images


def soft_targets(labels: NDArray[np.int64], classes: int, smoothing: float = 0.0) -> NDArray[np.float32]:
    """Float32 ``[N, classes]``: 1 for the label, less what is smoothed."""
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] += np.float32(1 - smoothing)
    return targets


def _field(rng: np.random.Generator, count: int, size: tuple[int, int], limits: Range | None) -> Field:
    return Field.of(Moves.draw(rng, count, size, limits) if limits else Moves.identity(count), size)
