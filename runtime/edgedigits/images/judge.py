"""Judging: what two opinions on one digit come to, and whether that is an answer or a refusal with its reason.

The locator has looked at the digit among its surroundings, the classifier at the digit alone. Their opinions are
multiplied, each with its weight, as experts are (G. Hinton, "Products of experts", ICANN 1999). Whether the result is
an answer is a logistic rule on a few numbers, whose weights are fitted on drawn pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Reason = Literal["no_digit", "several_digits", "not_digit_like", "ambiguous"]

# The weights of the rule; a bundle's manifest may name others. `python -m models.judge` fits them.
PARAMETERS: Mapping[str, float] = MappingProxyType(
    {
        "locator": 0.5,  # weight of the locator's opinion beside the classifier's
        "offset": -1.2,  # the rule's constant
        "found": 1.5,  # weight of the logit of the locator's probability that there is a digit
        "sure": 0.38,  # weight of the logit of the best class's probability
        "confidence": 0.7,  # the least probability for an answer where nobody looked for a digit
        "margin": 0.3,  # two classes closer than this, and far above all others, are ambiguous
    }
)
# Above this share of the probability two classes are the question, and not whether it is a digit at all.
_BOTH = 0.9
# Probabilities are taken for no nearer to 0 and 1 than this.
_EDGE = 1e-4


class Rejection(NamedTuple):
    """Why an answer should not be used.

    Attributes
    ----------
    reason: ``no_digit``, ``several_digits``, ``not_digit_like`` or ``ambiguous``.
    measured: the named numbers that say so.

    """

    reason: Reason
    measured: Mapping[str, float]


def fuse(classified: Floats, located: Floats, parameters: Mapping[str, float]) -> Floats:
    """Return what two opinions, probabilities float32 ``[..., classes]`` each, come to; they sum to 1."""
    weight = parameters.get("locator", PARAMETERS["locator"])
    logs = np.log(np.maximum(classified, _EDGE)) + np.float32(weight) * np.log(np.maximum(located, _EDGE))
    powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def evidence(found: float, probability: float, parameters: Mapping[str, float]) -> float:
    """Return the evidence that an answer is right, in logits: above 0 it is used.

    ``found`` is the locator's probability that there is a digit, ``probability`` that of the best class.
    """
    used = {**PARAMETERS, **parameters}
    return used["offset"] + used["found"] * _logit(found) + used["sure"] * _logit(probability)


def judge(probabilities: Floats, found: float | None, parameters: Mapping[str, float]) -> Rejection | None:
    """Return the reason why the best of these probabilities, float32 ``[classes]``, is no answer, or None if it is.

    ``found`` is None where nobody looked for a digit, because the picture was the model input as it was; then the
    probability alone decides.
    """
    second, first = sorted(probabilities.tolist())[-2:]
    used = {**PARAMETERS, **parameters}
    if first == second or (first + second > _BOTH and first - second < used["margin"]):
        return Rejection("ambiguous", {"confidence": first, "second": second})
    if first >= used["confidence"] if found is None else evidence(found, first, parameters) > 0:
        return None
    measured = {"confidence": first} if found is None else {"confidence": first, "found": found}
    return Rejection("not_digit_like", measured)


def refusals(probabilities: Floats, parameters: Mapping[str, float]) -> list[Reason | None]:
    """Return, for each of many pictures, ``[N, classes]``, the reason of what `judge` says where nobody looked."""
    used = {**PARAMETERS, **parameters}
    second, first = np.partition(probabilities.astype(np.float64), -2, axis=1)[:, -2:].T
    ambiguous = (first == second) | ((first + second > _BOTH) & (first - second < used["margin"]))
    reasons: list[Reason | None] = [None] * len(probabilities)
    for at in np.flatnonzero(ambiguous | (first < used["confidence"])).tolist():
        reasons[at] = "ambiguous" if ambiguous[at] else "not_digit_like"
    return reasons


def _logit(probability: float) -> float:
    inside = min(max(probability, _EDGE), 1 - _EDGE)
    return float(np.log(inside / (1 - inside)))
