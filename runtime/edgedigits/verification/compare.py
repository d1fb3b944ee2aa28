"""Compare two sets of answers to the same labelled images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import Accuracy
from edgedigits.verification.statistics import (
    expected_calibration_error,
    kl_divergence,
    mcnemar_exact,
    negative_log_likelihood,
    tango,
    undo_temperature,
    wilson,
)

# Two classes this close in the reference are a tie that float32 rounding may break either way.
NEAR_TIE = 2e-5


@dataclass(frozen=True, slots=True)
class Flip:
    """One image whose answer changed.

    Attributes
    ----------
    before, after: the class that the reference and the answers hold likeliest.
    margin: by how much the reference prefers ``before`` to ``after``.
    reference, answer: all probabilities of both, each as the shortest decimal that reads back as the same float32.

    """

    index: int
    label: int
    before: int
    after: int
    margin: float
    reference: tuple[float, ...]
    answer: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Right answers among the ``count`` images of one class, in the reference and now."""

    label: int
    count: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How answers compare with reference answers.

    Attributes
    ----------
    agreement: share of images with the same answer.
    agreement_beyond_ties: the same, where a flip between two classes that the reference holds equal counts as agreed.
    lost, gained: images that were right in the reference alone, and now alone.
    drop: accuracy lost against the reference, in percentage points; negative when gained.
    drop_ci95: Tango's two-sided 95 % interval of it.
    mcnemar_p: how likely a difference like that of ``lost`` and ``gained`` is by chance.
    kl: mean divergence from the reference, in nats.
    ece, ece_reference: expected calibration error of the answers and of the reference.
    nll: mean negative log likelihood of the labels, in nats.
    ece_before, nll_before: the same of the answers with their temperature undone.
    per_class: classes that have images, by label index.

    """

    accuracy: Accuracy
    agreement: float
    agreement_beyond_ties: float
    flips: tuple[Flip, ...]
    max_abs_difference: float
    mean_abs_difference: float
    lost: int
    gained: int
    drop: float
    drop_ci95: tuple[float, float]
    mcnemar_p: float
    kl: float
    ece: float
    ece_reference: float
    ece_before: float
    nll: float
    nll_before: float
    per_class: tuple[ClassChange, ...]


def accuracy_of(answers: NDArray[np.float32], labels: NDArray[np.int64]) -> Accuracy:
    """Share of images whose likeliest class is the label; ``answers`` is float32 ``[N, classes]``."""
    correct, count = int((answers.argmax(axis=1) == labels).sum()), len(labels)
    return Accuracy(correct, count, correct / count, wilson(correct, count))


def compare(
    answers: NDArray[np.float32],
    reference: NDArray[np.float32],
    labels: NDArray[np.int64],
    temperature: float = 1.0,
) -> Comparison:
    """Compare float32 ``[N, classes]`` with a reference of the same shape: Keras, another engine, another board.

    ``temperature`` is what the answers hold inside; 1 where nothing was fitted.

    Raises
    ------
    ValueError: the shapes differ.

    """
    if answers.shape != reference.shape or len(labels) != len(reference):
        raise ValueError(f"expected answers {reference.shape}, found {answers.shape} for {len(labels)} labels")
    count = len(labels)
    was, now = (values.argmax(axis=1) == labels for values in (reference, answers))
    lost, gained = int((was & ~now).sum()), int((now & ~was).sum())
    low, high = tango(lost, gained, count)
    flips = _flips(answers, reference, labels)
    difference = np.abs(answers - reference)
    undone = undo_temperature(answers, temperature)
    return Comparison(
        accuracy=accuracy_of(answers, labels),
        agreement=1 - len(flips) / count,
        agreement_beyond_ties=1 - sum(flip.margin > NEAR_TIE for flip in flips) / count,
        flips=flips,
        max_abs_difference=float(difference.max()),
        mean_abs_difference=float(difference.mean()),
        lost=lost,
        gained=gained,
        drop=100 * (lost - gained) / count,
        drop_ci95=(100 * low, 100 * high),
        mcnemar_p=mcnemar_exact(lost, gained),
        kl=kl_divergence(answers, reference),
        ece=expected_calibration_error(answers, labels),
        ece_reference=expected_calibration_error(reference, labels),
        ece_before=expected_calibration_error(undone, labels),
        nll=negative_log_likelihood(answers, labels),
        nll_before=negative_log_likelihood(undone, labels),
        per_class=_per_class(was, now, labels),
    )


def _flips(answers: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[Flip, ...]:
    before, after = reference.argmax(axis=1), answers.argmax(axis=1)
    found = []
    for row in np.flatnonzero(before != after):
        old, new = int(before[row]), int(after[row])
        margin = float(reference[row, old] - reference[row, new])
        found.append(Flip(int(row), int(labels[row]), old, new, margin, _exact(reference[row]), _exact(answers[row])))
    return tuple(found)


def _per_class(was: NDArray[np.bool_], now: NDArray[np.bool_], labels: NDArray[np.int64]) -> tuple[ClassChange, ...]:
    classes = labels.astype(np.intp)  # all that 32-bit numpy counts
    counts, before, after = (np.bincount(classes, weights=weights).astype(int).tolist() for weights in (None, was, now))
    return tuple(ClassChange(label, counts[label], before[label], after[label]) for label in np.unique(labels).tolist())


def _exact(values: NDArray[np.float32]) -> tuple[float, ...]:
    """Floats that JSON writes shortly: 0.1 for the float32 nearest to it, not 0.10000000149011612."""
    return tuple(float(str(value)) for value in values)
