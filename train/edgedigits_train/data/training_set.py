"""The training set: the images of the data and, with ``--paper``, of the pool, and the target of each image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits_train.data.augmentation import Range, SamplingGrid, Transforms, join
from edgedigits_train.scenes.crops import OUTLIER
from edgedigits_train.scenes.pool import Pool

# Weight of an outlier's loss, where a digit's is 1. It is the lambda of D. Hendrycks, M. Mazeika, T. Dietterich, "Deep
# Anomaly Detection with Outlier Exposure", ICLR 2019; the outliers' targets are theirs, too: all classes alike.
OUTLIER_WEIGHT = 0.5
# The pool's digits are distorted already, and they are placed as the device's pipeline places them.
POOL_RANGE = Range(rotation=4.0, scale=0.05, shear=0.06, shift=0.025)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Training images and their targets.

    Attributes
    ----------
    parts: the images, uint8 ``[N_i, H, W, C]`` each: those of the data, then those of the pool if there is one.
    targets: the target probabilities of all images, float32 ``[N, classes]``; those of outliers are all alike.
    weights: the weight of each image's loss, float32 ``[N]``.
    classes: the count of the data's classes.

    """

    parts: tuple[NDArray[np.uint8], ...]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    classes: int

    @classmethod
    def of(cls, data: Dataset, pool: Pool | None = None, smoothing: float = 0.0) -> TrainingSet:
        """Return the training set of the data and the pool, with label smoothing.

        ``smoothing`` is the share of the true class's probability that is spread evenly over all classes; see
        C. Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016.
        """
        classes = len(data.names)
        if pool is None:
            targets = soft_targets(data.labels, classes, smoothing)
            return cls((data.images,), targets, np.ones(len(data), np.float32), classes)
        labels = np.concatenate([data.labels, pool.labels])
        outliers = labels == OUTLIER
        targets = soft_targets(np.where(outliers, 0, labels), classes, smoothing)
        targets[outliers] = 1 / classes
        weights = np.where(outliers, np.float32(OUTLIER_WEIGHT), np.float32(1))
        return cls((data.images, pool.images), targets, weights, classes)

    def __len__(self) -> int:
        """Return the count of images."""
        return len(self.targets)

    def epoch_size(self, share: float) -> int:
        """Return how many images an epoch shows: all of the data, and this share of the pool."""
        own = len(self.parts[0])
        return own + round(share * (len(self) - own))

    def draw_rows(self, rng: np.random.Generator, share: float) -> NDArray[np.int64]:
        """Draw the images that an epoch shows and return their indices, ascending."""
        own = len(self.parts[0])
        pool = rng.permutation(len(self) - own)[: self.epoch_size(share) - own]
        return np.concatenate([np.arange(own), own + np.sort(pool)])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.parts[0].shape[1], self.parts[0].shape[2]

    def target_entropy(self, rows: NDArray[np.int64]) -> float:
        """Return the weighted mean entropy of these images' targets in nats, which is the least possible loss."""
        targets = self.targets[rows]
        entropy = -(targets * np.log(np.maximum(targets, np.finfo(np.float32).tiny))).sum(axis=1)
        return float(np.mean(self.weights[rows] * entropy, dtype=np.float64))

    def with_soft_targets(self, rows: NDArray[np.int64], probabilities: NDArray[np.float32]) -> TrainingSet:
        """Return a copy in which ``probabilities`` ``[len(rows), classes]`` are the targets of the digits in ``rows``.

        Outliers among ``rows`` keep their targets.
        """
        digits = self.weights[rows] == 1
        targets = self.targets.copy()
        targets[rows[digits]] = probabilities[digits]
        return replace(self, targets=targets)

    def draw_grid(self, rng: np.random.Generator, limits: Range | None) -> SamplingGrid | None:
        """Draw a transform for each image; None as ``limits`` leaves the data's images, but not the pool's, unchanged.

        Without limits and pool there is nothing to draw, and the result is None.
        """
        if limits is None and len(self.parts) == 1:
            return None
        ranges = (limits, POOL_RANGE)[: len(self.parts)]
        return join([_draw(rng, len(part), self.size, limit) for part, limit in zip(self.parts, ranges, strict=True)])

    def images(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images with these indices, uint8 ``[len(rows), H, W, C]``."""
        first = self.parts[0]
        images = np.empty((len(rows), *first.shape[1:]), np.uint8)
        own = rows < len(first)
        images[own] = first[rows[own]]
        if len(self.parts) > 1:
            images[~own] = self.parts[1][rows[~own] - len(first)]
        return images


def soft_targets(labels: NDArray[np.int64], classes: int, smoothing: float = 0.0) -> NDArray[np.float32]:
    """Return target probabilities float32 ``[N, classes]``: one-hot labels, with label smoothing."""
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] += np.float32(1 - smoothing)
    return targets


def _draw(rng: np.random.Generator, count: int, size: tuple[int, int], limits: Range | None) -> SamplingGrid:
    return SamplingGrid.of(Transforms.draw(rng, count, size, limits) if limits else Transforms.identity(count), size)
