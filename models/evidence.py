"""Scores of how much a network's answer speaks for a digit, from its logits; and how well a score tells digits apart.

Logits are float64 ``[N, K]``; the first ten are the digits', an eleventh is the background's. More speaks for a digit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLASSES = 10


def softmax(logits: Floats) -> Floats:
    """Probabilities ``[N, K]``."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def confidence(logits: Floats) -> Floats:
    """The greatest probability of a digit."""
    greatest: Floats = softmax(logits)[:, :CLASSES].max(axis=1)
    return greatest


def margin(logits: Floats) -> Floats:
    """How far the most probable digit is before the second."""
    second, first = np.sort(softmax(logits)[:, :CLASSES], axis=1)[:, -2:].T
    return first - second


def energy(logits: Floats) -> Floats:
    """W. Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020, at T = 1: less is more."""
    most = logits.max(axis=1)
    return -(most + np.log(np.exp(logits - most[:, np.newaxis]).sum(axis=1)))


def low_energy(logits: Floats) -> Floats:
    """The same with the sign of the others."""
    return -energy(logits)


def foreground(logits: Floats) -> Floats:
    """What the background leaves to the ten digits."""
    return 1 - softmax(logits)[:, CLASSES]


# Of the networks in outliers.py. The ten of a background network have the confidence that callers would see.
SCORES: dict[str, dict[str, Callable[[Floats], Floats]]] = {
    "exposure": {"confidence": confidence, "margin": margin, "energy": low_energy},
    "background": {"foreground": foreground, "confidence": confidence},
    "plain": {"confidence": confidence, "margin": margin, "energy": low_energy},
}


def auroc(digits: Floats, others: Floats) -> float:
    """How often a digit scores above what is none, ties counting half."""
    ascending = np.sort(others)
    below, upto = (np.searchsorted(ascending, digits, side) for side in ("left", "right"))
    return float((below + upto).mean() / (2 * len(others)))
