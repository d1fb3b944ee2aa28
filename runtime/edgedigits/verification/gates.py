"""The parity gates: how much accuracy a variant may lose; and, for what ships, how far it may be from Keras at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from edgedigits.errors import GateFailedError, MeasurementError
from edgedigits.manifest import GateChoice, Task
from edgedigits.verification.compare import Comparison
from edgedigits.verification.statistics import Z95, tango, wilson

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

# What the models of this package are held to; a model whose answers are often close calls cannot pass these.
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

_EXIT_CODES: dict[Outcome, int] = {"passed": 0, "failed": GateFailedError.exit_code, "undecided": 0}
# More images than these nobody collects to decide a gate.
_MANY = 10_000_000


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The verdict of a gate on a comparison.

    Attributes
    ----------
    reasons: why the outcome is not ``passed``; empty when it is.
    needed: about how many images would decide; None where it is decided, or where no number would.

    """

    outcome: Outcome
    reasons: tuple[str, ...]
    needed: int | None

    @property
    def exit_code(self) -> int:
        """The exit code of the command: what is undecided is told, and stops nothing."""
        return _EXIT_CODES[self.outcome]


def exit_code_of(verdicts: Iterable[GateVerdict], *, strict: bool) -> int:
    """Return the exit code for several verdicts: a failure decides; if ``strict``, what is undecided counts, too."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if strict and "undecided" in outcomes and "failed" not in outcomes:
        return MeasurementError.exit_code
    return _EXIT_CODES["failed"] if "failed" in outcomes else 0


def judge_variant(precision: str, comparison: Comparison, task: Task, gate: GateChoice) -> GateVerdict:
    """Return the verdict of a gate on a variant's comparison with Keras.

    The gate ``accuracy`` is about the accuracy that is lost: the variant passes when the upper end of Tango's two-sided
    95 % interval of the drop is within the margin, fails when the lower end is beyond it, and is undecided between. The
    gate ``shipped`` holds the variant to `GATES`, and a locator is always held to `MAPS_GATES`.
    """
    if task == "locate":
        return _judge_strictly(precision, MAPS_GATES[precision], comparison)
    if gate.name == "shipped":
        return _judge_strictly(precision, GATES[precision], comparison)
    return _judge_loss(comparison, gate.margin)


def _judge_loss(comparison: Comparison, margin: float) -> GateVerdict:
    if not math.isfinite(comparison.max_abs_difference):
        return GateVerdict("failed", ("some probabilities are not finite",), None)
    low, high = (round(end, 9) for end in comparison.drop_ci95)
    if high <= margin:
        return GateVerdict("passed", (), None)
    drop = f"accuracy changes by {0 - comparison.drop:+.2f} percentage points"
    if low > margin:
        return GateVerdict("failed", (f"{drop}: it falls by {low:.2f} at least, margin {margin:g}",), None)
    needed = _images_to_decide(comparison, margin)
    how_many = "no number of images would tell" if needed is None else f"about {needed:,} images would tell"
    count = comparison.accuracy.count
    why = f"{drop} and may fall by {high:.2f}, margin {margin:g}; {how_many}, {count:,} do not"
    return GateVerdict("undecided", (why,), needed)


def _images_to_decide(comparison: Comparison, margin: float) -> int | None:
    """Return how many images would decide, to two digits, if as many of a hundred were lost and gained as now."""
    lost, gained, count = comparison.lost, comparison.gained, comparison.accuracy.count
    factor = 1.0
    while (images := math.ceil(factor * count)) <= _MANY:
        low, high = tango(factor * lost, factor * gained, images)
        if 100 * high <= margin or 100 * low > margin:
            size: int = 10 ** max(0, len(str(images)) - 2)
            return -(-images // size) * size
        factor *= 1.05
    return None


def _judge_strictly(precision: str, gate: Gate, comparison: Comparison) -> GateVerdict:
    """With at least ``least_images`` images, a variant fails unless it is shown to be within the limits.

    With fewer images it fails only if it is shown to be outside of them, and is undecided otherwise.
    """
    count = comparison.accuracy.count
    enough = count >= gate.least_images
    reasons = _failures(gate, comparison) if enough else _certain_failures(gate, comparison)
    if reasons:
        return GateVerdict("failed", tuple(reasons), None)
    if enough:
        return GateVerdict("passed", (), None)
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
