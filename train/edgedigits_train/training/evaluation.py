"""How good a classifier is on one part of the data."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.verification.statistics import wilson
from edgedigits_train.synthetic.pool import OUTLIER, PARTS, Pool

_BATCH = 500
# The smallest probability that counts: a certain and wrong answer must not make the mean infinite.
_FLOOR = 1e-7
# Where outliers are counted: at the threshold that lets this share of the digits through.
_DIGITS_ACCEPTED = 0.99


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: ``count`` images have it; precision is None when it was never answered, recall when count is 0."""

    name: str
    count: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """A classifier's answers on ``count`` images.

    Attributes
    ----------
    loss: mean cross-entropy in nats.
    ci95: Wilson interval of the accuracy.
    confusion: ``confusion[true][answered]``, counts.

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
    """A classifier's answers on a pool that it was not trained on.

    Attributes
    ----------
    count, correct, accuracy, ci95: of the digits, as in `Score`.
    parts: accuracy by the pool's part.
    outliers: how many images of what is no digit.
    digit_confidence, outlier_confidence: mean of the greatest probability.
    digits_accepted, outliers_accepted: shares above one threshold of confidence, that which the first share defines.

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
    """Probabilities ``[N, classes]`` of images ``[N, H, W, C]``, some at a time so that large sets fit in memory."""
    starts = range(0, len(images), _BATCH)
    answers = [model.predict_on_batch(images[start : start + _BATCH].astype(np.float32)) for start in starts]
    return np.asarray(np.concatenate(answers), dtype=np.float32)


def mean_loss(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean cross-entropy in nats."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, _FLOOR)).mean())


def score(probabilities: NDArray[np.float32], data: Dataset) -> Score:
    """Count the answers (the most probable class each) to ``data``'s images."""
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
    """Count the answers to a pool's digits, and see how sure they are beside those to its outliers."""
    digits = pool.labels != OUTLIER
    right, sure = (probabilities.argmax(axis=1) == pool.labels)[digits], probabilities.max(axis=1).astype(np.float64)
    correct, count = int(right.sum()), int(digits.sum())
    threshold = np.quantile(sure[digits], 1 - _DIGITS_ACCEPTED)
    parts = {name: right[pool.parts[digits] == number] for number, name in enumerate(PARTS)}
    return PaperScore(
        count=count,
        correct=correct,
        accuracy=correct / count,
        ci95=wilson(correct, count),
        parts={name: float(part.mean()) for name, part in parts.items() if len(part)},
        outliers=int((~digits).sum()),
        digit_confidence=float(sure[digits].mean()),
        outlier_confidence=float(sure[~digits].mean()),
        digits_accepted=_DIGITS_ACCEPTED,
        outliers_accepted=float((sure[~digits] >= threshold).mean()),
    )


def _class_scores(confusion: NDArray[np.int64], names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    hits = np.diagonal(confusion)
    answered, true = confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        ClassScore(name, int(count), _share(hit, said), _share(hit, count))
        for name, hit, said, count in zip(names, hits, answered, true, strict=True)
    )


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None
