"""The statistics of a comparison: confidence intervals, a test, and distances between probabilities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # the normal quantile of a two-sided 95 % interval

# Smaller probabilities are raised to this one in logarithms: softmax in float32 rounds small probabilities to 0, and
# one such 0 must not make a mean infinite. 2^-25 is half the distance from 1 to the next lower float32; a smaller
# probability of one class cannot change the float32 probability of another class.
KL_FLOOR = 2.0**-25


def wilson(correct: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

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


def tango(lost: float, gained: float, count: int, z: float = Z95) -> tuple[float, float]:
    """Return Tango's score interval of the difference of two paired proportions, ``(lost - gained) / count``.

    ``lost`` and ``gained`` count the discordant pairs: correct only before, and correct only after. All other pairs are
    concordant. Expected counts, which are no whole numbers, are allowed. The ends of the interval are shares between -1
    and 1.

    Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998).

    Raises
    ------
    ValueError: unless ``lost`` and ``gained`` are not negative, ``lost + gained <= count`` and ``count > 0``.

    """
    if lost < 0 or gained < 0 or lost + gained > count or count == 0:
        raise ValueError(f"expected lost + gained <= count and count > 0, found {lost} + {gained} of {count}")
    # Swapping the two samples changes the sign, so that one direction is enough.
    return -_tango_upper(gained, lost, count, z), _tango_upper(lost, gained, count, z)


def _tango_upper(lost: float, gained: float, count: int, z: float) -> float:
    """Return the largest difference that the score test does not reject, by bisection to the last bit."""
    low, high = (lost - gained) / count, 1.0
    while low < (middle := (low + high) / 2) < high:
        # The constrained maximum likelihood estimate, in closed form: the positive root of a quadratic equation.
        linear = (2 * count - lost + gained) * middle - lost - gained
        root = math.sqrt(max(0.0, linear * linear + 8 * count * gained * middle * (1 - middle)))
        share = (root - linear) / (4 * count)
        variance = count * (2 * share + middle * (1 - middle))
        deviation = lost - gained - count * middle
        low, high = (middle, high) if deviation * deviation <= z * z * variance else (low, middle)
    return high


def mcnemar_exact(lost: int, gained: int) -> float:
    """Return the two-sided p-value of the exact McNemar test: the binomial tail of the discordant pairs, doubled.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947), with the binomial distribution in place of its normal approximation.

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
    """Return the expected calibration error: the mean gap between confidence and accuracy over bins of equal width.

    ``probabilities`` is float32 ``[N, classes]``; the confidence is the largest one of an image. Bin ``m`` holds the
    confidences in ``((m - 1) / bins, m / bins]`` and is weighted by its number of images.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    # Clipped, since rounding may leave a confidence above 1; NaN goes into the first bin.
    bin_index = np.clip(np.nan_to_num(np.ceil(confidence * bins) - 1), 0, bins - 1).astype(np.intp)
    return float(np.abs(np.bincount(bin_index, weights=gap, minlength=bins)).sum() / len(labels))


def negative_log_likelihood(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the mean of ``-log p(label)`` over float32 ``[N, classes]``, in nats.

    Probabilities below `KL_FLOOR` are raised to it, so that the result is finite.
    """
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_label, KL_FLOOR)).mean())


def undo_temperature(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return float32 ``[N, classes]`` as it would be if the logits had not been divided by a temperature.

    This is ``softmax(temperature * log(p))`` in float64. A probability that float32 rounded to 0 stays 0.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.
    """
    if temperature == 1:
        return probabilities
    values = probabilities.astype(np.float64)
    with np.errstate(invalid="ignore"):  # a broken file may have any output; NaN stays NaN
        # Divided by the largest, so that the power of a row never underflows as a whole.
        powers = (values / values.max(axis=1, keepdims=True)) ** temperature
        unscaled: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return unscaled


def kl_divergence(outputs: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the mean over images of the Kullback-Leibler divergence of float32 ``[N, classes]`` from the reference.

    It is in nats. All probabilities are raised to at least `KL_FLOOR` and scaled to a sum of 1, so that the result is
    finite, never negative, and 0 for equal outputs.

    Source: S. Kullback, R. A. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22 (1951).
    """
    q, p = (np.maximum(values.astype(np.float64), KL_FLOOR) for values in (outputs, reference))
    q, p = (values / values.sum(axis=1, keepdims=True) for values in (q, p))
    # numpy's maximum keeps NaN, unlike Python's.
    return float(np.maximum(0.0, (p * np.log(p / q)).sum(axis=1).mean()))
