"""How far a variant may be from Keras: all tolerances of parity, each beside its reason."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.trust.compare import Comparison


@dataclass(frozen=True, slots=True)
class Gate:
    """What one precision must fulfil; None where a figure does not decide.

    Attributes
    ----------
    max_abs_difference: of any probability.
    min_agreement: share of images with the same answer as Keras.
    max_drop: of accuracy, in percentage points.

    """

    max_abs_difference: float | None
    min_agreement: float
    max_drop: float
    reason: str


_QUANTIZED = "rounding to int8 moves probabilities; what counts is that answers stay and accuracy does not fall"

GATES = {
    "float32": Gate(1e-5, 1.0, 0.0, "the same arithmetic in another order: 1e-6 was seen, so 1e-5 is another model"),
    "float16": Gate(1e-2, 0.9995, 0.05, "weights keep 11 bits; logits move by a thousandth, probabilities ten times"),
    "dynamic-int8": Gate(None, 0.997, 0.2, _QUANTIZED),
    "int8": Gate(None, 0.997, 0.2, _QUANTIZED),
    "int16x8": Gate(None, 0.997, 0.2, _QUANTIZED),
}


def failures(precision: str, comparison: Comparison) -> list[str]:
    """What the gate of a precision has against a comparison; empty when it passes."""
    gate = GATES[precision]
    found = []
    if gate.max_abs_difference is not None and not comparison.max_abs_difference <= gate.max_abs_difference:
        found.append(f"max |difference| {comparison.max_abs_difference:.2g} > {gate.max_abs_difference:g}")
    if comparison.agreement_beyond_ties < gate.min_agreement:
        found.append(f"agreement {comparison.agreement_beyond_ties:.4%} < {gate.min_agreement:.4%}")
    # Rounded: a drop of exactly the limit is no failure because of the last bit of a division.
    if round(comparison.drop, 9) > gate.max_drop:
        found.append(f"accuracy falls by {comparison.drop:.3f} > {gate.max_drop:g} percentage points")
    return found
