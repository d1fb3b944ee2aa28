"""How far a variant may be from Keras: all gates of parity in one table, each beside its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgedigits.errors import GateFailedError, MeasurementError
from edgedigits.verification.compare import Comparison
from edgedigits.verification.statistics import Z95, wilson

Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True, slots=True)
class Gate:
    """What one precision must fulfil; None where a figure does not decide.

    Attributes
    ----------
    max_abs_difference: of any probability.
    min_agreement: share of images with the same answer as Keras, beyond ties.
    max_drop: of accuracy, in percentage points, which the upper end of Tango's two-sided 95 % interval must not
        exceed. That is the conservative reading of "upper 95 % bound": one side of it is a bound of 97.5 %.

    """

    max_abs_difference: float | None
    min_agreement: float
    max_drop: float | None
    reason: str

    @property
    def least_images(self) -> int:
        """How many images a perfect result needs to pass."""
        least = 1
        if self.min_agreement < 1:  # with fewer, a single changed answer would decide; rounded for 1 / (1 - 0.9995)
            least = math.ceil(round(1 / (1 - self.min_agreement), 6))
        if self.max_drop is not None:  # Tango's bound without any change is z² / (z² + count)
            least = max(least, math.ceil(Z95**2 * (100 / self.max_drop - 1)))
        return least


_QUANTIZED = (
    "rounding to int8 moves probabilities; what counts is that answers stay and that accuracy does not fall: by less "
    "than 0.2 points, which is less than lies between two good models"
)

GATES = {
    "float32": Gate(1e-5, 1.0, None, "the same arithmetic in another order: 2e-6 was seen, so 1e-5 is another model"),
    "float16": Gate(1e-2, 0.9995, None, "weights keep 11 bits; logits move by a thousandth, probabilities ten times"),
    "dynamic-int8": Gate(None, 0.997, 0.2, _QUANTIZED),
    "int8": Gate(None, 0.997, 0.2, _QUANTIZED),
    "int16x8": Gate(None, 0.997, 0.2, _QUANTIZED),
}

_EXIT_CODES: dict[Outcome, int] = {
    "passed": 0, "failed": GateFailedError.exit_code, "undecided": MeasurementError.exit_code,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What a gate says of a comparison.

    Attributes
    ----------
    reasons: what is against it; empty when it passed.
    least_images: how many images this gate needs at least.

    """

    outcome: Outcome
    reasons: tuple[str, ...]
    least_images: int

    @property
    def exit_code(self) -> int:
        """That of the command."""
        return _EXIT_CODES[self.outcome]


def judge_variant(precision: str, comparison: Comparison) -> GateVerdict:
    """Hold a comparison against the gate of a precision.

    With fewer images than a perfect result would need, only a failure that they already prove is one; all else is
    undecided. With enough of them, what is not shown to be within the limits has failed.
    """
    gate, count = GATES[precision], comparison.accuracy.count
    enough = count >= gate.least_images
    reasons = _failures(gate, comparison) if enough else _proved_failures(gate, comparison)
    if reasons:
        return GateVerdict("failed", tuple(reasons), gate.least_images)
    if enough:
        return GateVerdict("passed", (), gate.least_images)
    few = f"too few images to tell: {count:,}, where {precision} needs at least {gate.least_images:,}"
    return GateVerdict("undecided", (few,), gate.least_images)


def _failures(gate: Gate, comparison: Comparison) -> list[str]:
    found, agreement = _far_off(gate, comparison), comparison.agreement_beyond_ties
    # Rounded, here and below: what is exactly at the limit is no failure because of the last bit of a division.
    if round(agreement, 9) < gate.min_agreement:
        found.append(f"agreement {agreement:.4%} < {gate.min_agreement:.4%}")
    if gate.max_drop is not None and round(high := comparison.drop_ci95[1], 9) > gate.max_drop:
        found.append(
            f"accuracy changes by {-comparison.drop:+.3f} percentage points and may fall by {high:.3f} > "
            f"{gate.max_drop:g} (95 % bound)"
        )
    return found


def _proved_failures(gate: Gate, comparison: Comparison) -> list[str]:
    found, count = _far_off(gate, comparison), comparison.accuracy.count
    best = wilson(round(comparison.agreement_beyond_ties * count), count)[1]
    if best < gate.min_agreement:
        found.append(f"agreement {comparison.agreement_beyond_ties:.4%}, at best {best:.4%} < {gate.min_agreement:.4%}")
    if gate.max_drop is not None and (low := comparison.drop_ci95[0]) > gate.max_drop:
        found.append(
            f"accuracy falls by {comparison.drop:.3f} percentage points, at least {low:.3f} > {gate.max_drop:g}"
        )
    return found


def _far_off(gate: Gate, comparison: Comparison) -> list[str]:
    difference, limit = comparison.max_abs_difference, gate.max_abs_difference
    if not math.isfinite(difference):
        return ["some probabilities are no numbers"]
    if limit is not None and difference > limit:
        return [f"max |difference| {difference:.2g} > {limit:g}"]
    return []
