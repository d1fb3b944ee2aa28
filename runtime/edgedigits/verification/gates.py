"""The parity gates: how far the outputs of a variant may be from those of Keras, in one table with the reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgedigits.errors import GateFailedError, MeasurementError
from edgedigits.manifest import Task
from edgedigits.verification.compare import Comparison
from edgedigits.verification.statistics import Z95, wilson

Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits for one precision; None where a figure does not decide.

    Attributes
    ----------
    max_abs_difference: limit for the difference of any probability.
    min_agreement: limit for the share of images with the same most probable class as in Keras, beyond ties.
    max_drop: limit for the drop of accuracy, in percentage points, which the upper end of Tango's two-sided 95 %
        interval must not exceed. This is the conservative reading of "upper 95 % bound": as a one-sided bound it has
        a level of 97.5 %.
    reason: why the limits are what they are.

    """

    max_abs_difference: float | None
    min_agreement: float
    max_drop: float | None
    reason: str

    @property
    def least_images(self) -> int:
        """The smallest number of images with which a perfect result passes."""
        least = 1
        if self.min_agreement < 1:  # with fewer, a single flip would decide; rounded for 1 / (1 - 0.9995)
            least = math.ceil(round(1 / (1 - self.min_agreement), 6))
        if self.max_drop is not None:  # Tango's bound without any discordant image is z² / (z² + count)
            least = max(least, math.ceil(Z95**2 * (100 / self.max_drop - 1)))
        return least


_QUANTIZED = (
    "rounding to int8 changes probabilities; what counts is that the most probable classes stay and that accuracy "
    "falls by less than 0.2 points, which is less than the difference between two good models"
)

GATES = {
    "float32": Gate(1e-5, 1.0, None, "the same sums in another order: 2e-6 was observed, so 1e-5 is another model"),
    "float16": Gate(
        1e-2, 0.9995, None, "weights keep 11 bits; logits change by 0.001, probabilities ten times as much"
    ),
    "dynamic-int8": Gate(None, 0.997, 0.2, _QUANTIZED),
    "int8": Gate(None, 0.997, 0.2, _QUANTIZED),
    "int16x8": Gate(None, 0.997, 0.2, _QUANTIZED),
}

_PLACES = (
    "a locator is compared at the places where Keras finds something with a probability of 0.3 or more; rounding moves "
    "the faint ones by more than a pixel, or to another class, which the classifier then decides: 2 of 100 were seen"
)

# The same for locators, whose accuracy is their agreement with Keras.
MAPS_GATES = {
    "float32": Gate(None, 0.999, None, "the same sums in another order: none of 1,000 places was observed to change"),
    "float16": Gate(None, 0.99, None, _PLACES),
    "dynamic-int8": Gate(None, 0.97, None, _PLACES),
    "int8": Gate(None, 0.97, None, _PLACES),
    "int16x8": Gate(None, 0.99, None, _PLACES),
}

_EXIT_CODES: dict[Outcome, int] = {
    "passed": 0, "failed": GateFailedError.exit_code, "undecided": MeasurementError.exit_code,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The verdict of a gate on a comparison.

    Attributes
    ----------
    reasons: why the outcome is not ``passed``; empty when it is.
    least_images: the smallest number of images with which this gate can pass.

    """

    outcome: Outcome
    reasons: tuple[str, ...]
    least_images: int

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return _EXIT_CODES[self.outcome]


def gate_of(task: Task, precision: str) -> Gate:
    """Return the gate of a precision for models of this task."""
    return (MAPS_GATES if task == "locate" else GATES)[precision]


def judge_variant(precision: str, comparison: Comparison, task: Task = "classify") -> GateVerdict:
    """Return the verdict of the gate of a precision on a comparison.

    With at least ``least_images`` images, a variant fails unless it is shown to be within the limits. With fewer images
    it fails only if it is shown to be outside of them, and is undecided otherwise.
    """
    gate, count = gate_of(task, precision), comparison.accuracy.count
    enough = count >= gate.least_images
    reasons = _failures(gate, comparison) if enough else _certain_failures(gate, comparison)
    if reasons:
        return GateVerdict("failed", tuple(reasons), gate.least_images)
    if enough:
        return GateVerdict("passed", (), gate.least_images)
    too_few = f"too few images to tell: {count:,}, where {precision} needs at least {gate.least_images:,}"
    return GateVerdict("undecided", (too_few,), gate.least_images)


def _failures(gate: Gate, comparison: Comparison) -> list[str]:
    reasons, agreement = _too_different(gate, comparison), comparison.agreement_beyond_ties
    # Both figures are rounded, so that the last bit of a division does not fail what is exactly at the limit.
    if round(agreement, 9) < gate.min_agreement:
        reasons.append(f"agreement {agreement:.4%} < {gate.min_agreement:.4%}")
    if gate.max_drop is not None and round(high := comparison.drop_ci95[1], 9) > gate.max_drop:
        reasons.append(
            f"accuracy changes by {-comparison.drop:+.3f} percentage points and may fall by {high:.3f} > "
            f"{gate.max_drop:g} (95 % bound)"
        )
    return reasons


def _certain_failures(gate: Gate, comparison: Comparison) -> list[str]:
    reasons, count = _too_different(gate, comparison), comparison.accuracy.count
    best = wilson(round(comparison.agreement_beyond_ties * count), count)[1]
    if best < gate.min_agreement:
        agreement = comparison.agreement_beyond_ties
        reasons.append(f"agreement {agreement:.4%}, at best {best:.4%} < {gate.min_agreement:.4%}")
    if gate.max_drop is not None and (low := comparison.drop_ci95[0]) > gate.max_drop:
        reasons.append(
            f"accuracy falls by {comparison.drop:.3f} percentage points, at least {low:.3f} > {gate.max_drop:g}"
        )
    return reasons


def _too_different(gate: Gate, comparison: Comparison) -> list[str]:
    difference, limit = comparison.max_abs_difference, gate.max_abs_difference
    if not math.isfinite(difference):
        return ["some probabilities are not finite"]
    if limit is not None and difference > limit:
        return [f"max |difference| {difference:.2g} > {limit:g}"]
    return []
