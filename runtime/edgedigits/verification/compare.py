"""Compare the outputs for labelled images with the reference outputs for the same images."""

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

# Two classes whose reference probabilities differ by at most this are a tie; float32 rounding may break it either way.
NEAR_TIE = 2e-5


@dataclass(frozen=True, slots=True)
class Flip:
    """One image whose most probable class changed.

    Attributes
    ----------
    index, label: the number of the image in its data set, and the index of its label.
    before, after: the most probable class in the reference, and in the outputs.
    margin: the reference probability of ``before`` minus that of ``after``.
    reference, answer: the probabilities in the reference and in the outputs, each as the shortest decimal that reads
        back as the same float32.

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
    """The number of correct images among the ``count`` images of a class, in the reference and in the outputs."""

    label: int
    count: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of a comparison of outputs with reference outputs.

    Attributes
    ----------
    accuracy: accuracy of the outputs.
    agreement: share of images with the same most probable class.
    agreement_beyond_ties: the same, where a flip counts as agreement if its margin is at most `NEAR_TIE`.
    flips: the images whose most probable class changed.
    max_abs_difference, mean_abs_difference: of the probabilities.
    lost, gained: the discordant images: correct only in the reference, and correct only in the outputs.
    drop: loss of accuracy against the reference, in percentage points; negative for a gain.
    drop_ci95: Tango's two-sided 95 % interval of ``drop``.
    mcnemar_p: p-value of the exact McNemar test of ``lost`` against ``gained``.
    kl: mean Kullback-Leibler divergence from the reference, in nats.
    ece, ece_reference: expected calibration error of the outputs and of the reference.
    nll: mean negative log likelihood of the labels, in nats.
    ece_before, nll_before: ``ece`` and ``nll`` before temperature scaling.
    per_class: the classes that have images, in the order of their labels.

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


def accuracy_of(outputs: NDArray[np.float32], labels: NDArray[np.int64]) -> Accuracy:
    """Return the share of images whose most probable class is the label; ``outputs`` is float32 ``[N, classes]``."""
    correct, count = int((outputs.argmax(axis=1) == labels).sum()), len(labels)
    return Accuracy(correct, count, correct / count, wilson(correct, count))


def compare(
    outputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    labels: NDArray[np.int64],
    temperature: float = 1.0,
) -> Comparison:
    """Compare outputs, float32 ``[N, classes]``, with a reference of the same shape: of Keras, an engine or a board.

    ``temperature`` is the temperature that is folded into the model of the outputs; 1 where none was fitted.

    Raises
    ------
    ValueError: the shapes differ.

    """
    if outputs.shape != reference.shape or len(labels) != len(reference):
        raise ValueError(f"expected outputs {reference.shape}, found {outputs.shape} for {len(labels)} labels")
    count = len(labels)
    correct_before, correct_now = (values.argmax(axis=1) == labels for values in (reference, outputs))
    lost, gained = int((correct_before & ~correct_now).sum()), int((correct_now & ~correct_before).sum())
    low, high = tango(lost, gained, count)
    flips = _flips(outputs, reference, labels)
    difference = np.abs(outputs - reference)
    unscaled = undo_temperature(outputs, temperature)
    return Comparison(
        accuracy=accuracy_of(outputs, labels),
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
        kl=kl_divergence(outputs, reference),
        ece=expected_calibration_error(outputs, labels),
        ece_reference=expected_calibration_error(reference, labels),
        ece_before=expected_calibration_error(unscaled, labels),
        nll=negative_log_likelihood(outputs, labels),
        nll_before=negative_log_likelihood(unscaled, labels),
        per_class=_per_class(correct_before, correct_now, labels),
    )


def _flips(outputs: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[Flip, ...]:
    before, after = reference.argmax(axis=1), outputs.argmax(axis=1)
    flips = []
    for row in np.flatnonzero(before != after):
        old, new = int(before[row]), int(after[row])
        margin = float(reference[row, old] - reference[row, new])
        probabilities = _shortest_decimals(reference[row]), _shortest_decimals(outputs[row])
        flips.append(Flip(int(row), int(labels[row]), old, new, margin, *probabilities))
    return tuple(flips)


def _per_class(
    correct_before: NDArray[np.bool_], correct_now: NDArray[np.bool_], labels: NDArray[np.int64]
) -> tuple[ClassChange, ...]:
    classes = labels.astype(np.intp)  # on 32-bit systems numpy.bincount takes no int64
    counts, before, after = (
        np.bincount(classes, weights=weights).astype(int).tolist() for weights in (None, correct_before, correct_now)
    )
    return tuple(ClassChange(label, counts[label], before[label], after[label]) for label in np.unique(labels).tolist())


def _shortest_decimals(values: NDArray[np.float32]) -> tuple[float, ...]:
    """Return floats that JSON writes in few digits: 0.1 for the float32 nearest to it, not 0.10000000149011612."""
    return tuple(float(str(value)) for value in values)
