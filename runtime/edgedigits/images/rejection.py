"""Why an answer should not be used, with the numbers that say so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Reason = Literal[
    "blank", "low_contrast", "too_much_ink", "too_many_components", "not_digit_like", "ambiguous", "several_digits"
]
# Of evidence after inference. Chosen by benchmarks/accuracy/thresholds.py; a bundle's manifest may name others.
DIGIT_PARAMETERS: Mapping[str, float] = MappingProxyType({"confidence": 0.7, "margin": 0.4})

# Above this share of the probability two classes are the question, and not whether it is a digit at all.
BOTH = 0.9


class Rejection(NamedTuple):
    """A reason, and what was measured: grey levels, shares or counts, named."""

    reason: Reason
    measured: Mapping[str, float]


def judge(scores: NDArray[np.float32], parameters: Mapping[str, float]) -> Rejection | None:
    """Whether probabilities, float32 ``[classes]``, are evidence of one class.

    They sum to less than 1 where the network knows what is none of the classes.
    Where no class reaches ``confidence`` it is ``not_digit_like``; where the best two are closer than ``margin`` and
    hold most of the probability, or tie exactly, it is ``ambiguous``. A parameter left out asks for nothing.
    """
    best = int(scores.argmax())
    first = float(scores[best])
    confidence, margin = parameters.get("confidence", 0.0), parameters.get("margin", 0.0)
    if first > 0.5 and first >= (1 + margin) / 2 and first >= confidence:
        return None  # the others together hold too little for either
    if confidence and not first:
        return Rejection("not_digit_like", {"confidence": first})  # what is none took all: nothing is left to tie
    second = float(np.partition(scores, -2)[-2])
    if first == second or (first + second > BOTH and first - second < margin):
        return Rejection("ambiguous", {"confidence": first, "second": second})
    if first < confidence:
        return Rejection("not_digit_like", {"confidence": first})
    return None
