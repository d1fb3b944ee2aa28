"""The evaluation of a classifier: its accuracy and loss on one part of the data, and its scores on a pool."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.verification.statistics import wilson
from edgedigits_train.scenes.crops import OUTLIER, PARTS
from edgedigits_train.scenes.pool import Pool

_BATCH = 500
# Smaller probabilities count as this one, so that a certain and wrong prediction does not make the mean loss infinite.
_FLOOR = 1e-7
# Outliers are counted at the threshold of confidence that accepts this share of the digits.
_DIGITS_ACCEPTED = 0.99


@dataclass(frozen=True, slots=True)
class ClassScore:
    """The scores of one class, which ``count`` images have.

    ``precision`` is None if the class was never predicted, ``recall`` is None if ``count`` is 0.
    """

    name: str
    count: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of a classifier on ``count`` images.

    Attributes
    ----------
    ci95: the 95 % Wilson interval of the accuracy.
    loss: the mean cross-entropy in nats.
    confusion: counts of images, ``confusion[true][predicted]``.

    """

    count: int
    correct: int
    accuracy: float
    ci95: tuple[float, float]
    loss: float
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class PaperScore:
    """The scores of a classifier on a pool that it was not trained on.

    Attributes
    ----------
    count, correct, accuracy, ci95: the scores on the pool's digits, as in `Score`.
    parts: the accuracy on each part of the pool.
    outliers: the count of images that are not digits.
    digit_confidence, outlier_confidence: the mean of the greatest probability, on digits and on outliers.
    digits_accepted, outliers_accepted: the shares of digits and outliers whose confidence is above a threshold, which
        was chosen so that it accepts the first share.

    """

    count: int
    correct: int
    accuracy: float
    ci95: tuple[float, float]
    parts: dict[str, float]
    outliers: int
    digit_confidence: float
    outlier_confidence: float
    digits_accepted: float
    outliers_accepted: float


def predict(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return probabilities ``[N, classes]`` of images ``[N, H, W, C]``, in batches so that large sets fit in memory."""
    starts = range(0, len(images), _BATCH)
    outputs = [model.predict_on_batch(images[start : start + _BATCH].astype(np.float32)) for start in starts]
    return np.asarray(np.concatenate(outputs), dtype=np.float32)


def mean_loss(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the mean cross-entropy in nats of probabilities ``[N, classes]`` and labels ``[N]``."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, _FLOOR)).mean())


def score(probabilities: NDArray[np.float32], data: Dataset) -> Score:
    """Return the scores of the most probable classes on the images of ``data``."""
    classes = len(data.names)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (data.labels, probabilities.argmax(axis=1)), 1)
    correct, count = int(np.trace(confusion)), len(data)
    return Score(
        count=count,
        correct=correct,
        accuracy=correct / count,
        ci95=wilson(correct, count),
        loss=mean_loss(probabilities, data.labels),
        per_class=_class_scores(confusion, data.names),
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def score_paper(probabilities: NDArray[np.float32], pool: Pool) -> PaperScore:
    """Return the scores on a pool's digits, and the confidence on its digits and on its outliers."""
    digits, confidence = pool.labels != OUTLIER, probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == pool.labels)[digits]
    correct, count = int(right.sum()), int(digits.sum())
    threshold = np.quantile(confidence[digits], 1 - _DIGITS_ACCEPTED)
    parts = {name: right[pool.parts[digits] == number] for number, name in enumerate(PARTS)}
    return PaperScore(
        count=count,
        correct=correct,
        accuracy=correct / count,
        ci95=wilson(correct, count),
        parts={name: float(part.mean()) for name, part in parts.items() if len(part)},
        outliers=int((~digits).sum()),
        digit_confidence=float(confidence[digits].mean()),
        outlier_confidence=float(confidence[~digits].mean()),
        digits_accepted=_DIGITS_ACCEPTED,
        outliers_accepted=float((confidence[~digits] >= threshold).mean()),
    )


def _class_scores(confusion: NDArray[np.int64], names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    hits = np.diagonal(confusion)
    predictions, counts = confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        ClassScore(name, int(count), _share(hit, predicted), _share(hit, count))
        for name, hit, predicted, count in zip(names, hits, predictions, counts, strict=True)
    )


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
