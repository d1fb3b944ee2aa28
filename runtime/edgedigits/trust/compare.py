"""Compare two sets of answers to the same labelled images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import Accuracy
from edgedigits.trust.statistics import wilson

# Two classes this close in the reference are a tie that float32 rounding may break either way.
NEAR_TIE = 2e-5


@dataclass(frozen=True, slots=True)
class Flip:
    """One image whose answer changed."""

    index: int
    label: int
    before: int
    after: int
    margin: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How answers compare with reference answers.

    Attributes
    ----------
    agreement: share of images with the same answer.
    agreement_beyond_ties: the same, where a flip between two classes that the reference holds equal counts as agreed.
    drop: accuracy lost against the reference, in percentage points; negative when gained.

    """

    accuracy: Accuracy
    agreement: float
    agreement_beyond_ties: float
    flips: tuple[Flip, ...]
    max_abs_difference: float
    mean_abs_difference: float
    drop: float


def accuracy_of(answers: NDArray[np.float32], labels: NDArray[np.int64]) -> Accuracy:
    """Share of images whose likeliest class is the label; ``answers`` is float32 ``[N, classes]``."""
    correct, count = int((answers.argmax(axis=1) == labels).sum()), len(labels)
    return Accuracy(correct, count, correct / count, wilson(correct, count))


def compare(answers: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.int64]) -> Comparison:
    """Compare float32 ``[N, classes]`` with a reference of the same shape.

    Raises
    ------
    ValueError: the shapes differ.

    """
    if answers.shape != reference.shape or len(labels) != len(reference):
        raise ValueError(f"expected answers {reference.shape}, found {answers.shape} for {len(labels)} labels")
    before, after = reference.argmax(axis=1), answers.argmax(axis=1)
    changed = np.flatnonzero(before != after)
    margins = reference[changed, before[changed]] - reference[changed, after[changed]]
    difference = np.abs(answers - reference)
    mine, theirs = accuracy_of(answers, labels), accuracy_of(reference, labels)
    flips = tuple(
        Flip(int(row), int(labels[row]), int(before[row]), int(after[row]), float(margin))
        for row, margin in zip(changed, margins, strict=True)
    )
    return Comparison(
        accuracy=mine,
        agreement=1 - len(flips) / len(labels),
        agreement_beyond_ties=1 - int((margins > NEAR_TIE).sum()) / len(labels),
        flips=flips,
        max_abs_difference=float(difference.max()),
        mean_abs_difference=float(difference.mean()),
        drop=100 * (theirs.correct - mine.correct) / len(labels),
    )
