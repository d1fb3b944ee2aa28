"""Intervals, tests and distances by which two sets of answers are told apart."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # the normal quantile of a two-sided 95 % interval

# Half the distance from 1 to the float32 below it: less than that no float32 probability of another class notices.
# Softmax in float32 says exactly 0 for what is merely small, and one such answer must not make the mean infinite.
KL_FLOOR = 2.0**-25
# What ten probabilities in float32 may miss 1 by.
_ROUNDING = 1e-6


def wilson(correct: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a proportion.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Raises
    ------
    ValueError: unless ``0 <= correct <= count`` and ``count > 0``.

    """
    if not 0 <= correct <= count or count == 0:
        raise ValueError(f"expected 0 <= correct <= count and count > 0, found {correct} of {count}")
    share = correct / count
    spread = z * z / count
    centre = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))


def tango(lost: int, gained: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Score interval of the paired difference of two proportions, ``(lost - gained) / count``, as shares.

    ``lost`` pairs are right before and wrong after, ``gained`` the other way round; the others say the same twice.

    Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998).

    Raises
    ------
    ValueError: unless ``lost`` and ``gained`` are not negative, ``lost + gained <= count`` and ``count > 0``.

    """
    if lost < 0 or gained < 0 or lost + gained > count or count == 0:
        raise ValueError(f"expected lost + gained <= count and count > 0, found {lost} + {gained} of {count}")
    # Swapping the two samples turns the sign, so that one direction is enough.
    return -_tango_upper(gained, lost, count, z), _tango_upper(lost, gained, count, z)


def _tango_upper(lost: int, gained: int, count: int, z: float) -> float:
    """The largest difference that the score test does not reject, by bisection to the last bit."""
    low, high = (lost - gained) / count, 1.0
    while low < (middle := (low + high) / 2) < high:
        # The likelihood's maximum under this difference, in closed form: the positive root of a quadratic.
        linear = (2 * count - lost + gained) * middle - lost - gained
        root = math.sqrt(max(0.0, linear * linear + 8 * count * gained * middle * (1 - middle)))
        share = (root - linear) / (4 * count)
        variance = count * (2 * share + middle * (1 - middle))
        off = lost - gained - count * middle
        low, high = (middle, high) if off * off <= z * z * variance else (low, middle)
    return high


def mcnemar_exact(lost: int, gained: int) -> float:
    """Two-sided p-value that ``lost`` and ``gained`` differ by chance: the exact binomial test, doubled, at most 1.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947), with the binomial distribution itself in place of its approximation.

    Raises
    ------
    ValueError: a negative count.

    """
    if min(lost, gained) < 0:
        raise ValueError(f"expected counts of at least 0, found {lost} and {gained}")
    total, term, tail = lost + gained, 1, 0
    for fewer in range(min(lost, gained) + 1):
        tail += term
        term = term * (total - fewer) // (fewer + 1)
    return float(min(1, 2 * tail / 2**total))


def expected_calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = 15) -> float:
    """How far confidence is from accuracy: the mean gap over bins of equal width, weighted by images.

    Confidence is the likeliest class's probability, of float32 ``[N, classes]``; bin ``m`` holds ``((m - 1) / bins,
    m / bins]``.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    # Above 1 by a rounding of softmax, or no number at all: into the last and the first bin, not out of the array.
    which = np.clip(np.nan_to_num(np.ceil(confidence * bins) - 1), 0, bins - 1).astype(np.intp)
    return float(np.abs(np.bincount(which, weights=gap, minlength=bins)).sum() / len(labels))


def negative_log_likelihood(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean of ``-log p(label)`` in nats over float32 ``[N, classes]``, raised to `KL_FLOOR` so that it stays finite."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(right, KL_FLOOR)).mean())


def with_rest(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 ``[N, classes + 1]``: behind the classes, what they leave of 1 to none of them, but for rounding."""
    rest = 1 - probabilities.sum(axis=1, keepdims=True)
    return np.hstack([probabilities, np.where(rest > _ROUNDING, rest, 0)])


def undo_temperature(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """What float32 ``[N, classes]`` would be without a temperature that scores were divided by before their softmax.

    ``softmax(temperature * log(p))``, in float64 inside, over the classes and what they leave of 1; what float32
    already rounded to 0 stays 0.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
    """
    if temperature == 1:
        return probabilities
    values = with_rest(probabilities.astype(np.float64))
    with np.errstate(invalid="ignore"):  # a broken file may answer anything; NaN stays what it is
        # Divided by the likeliest, so that no power makes a whole row vanish.
        powers = (values / values.max(axis=1, keepdims=True)) ** temperature
        undone: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return undone[:, :-1]


def kl_divergence(answers: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Mean over images of the Kullback-Leibler divergence of float32 ``[N, classes]`` from the reference, in nats.

    What the classes leave of 1 counts as one more. Both are raised to `KL_FLOOR` at least and scaled to a sum of 1,
    which makes the result finite, never negative and 0 for the same answers.

    Source: S. Kullback, R. A. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22 (1951).
    """
    ours, theirs = (np.maximum(with_rest(values.astype(np.float64)), KL_FLOOR) for values in (answers, reference))
    ours, theirs = (values / values.sum(axis=1, keepdims=True) for values in (ours, theirs))
    # numpy's maximum, which leaves NaN what it is.
    return float(np.maximum(0.0, (theirs * np.log(theirs / ours)).sum(axis=1).mean()))
