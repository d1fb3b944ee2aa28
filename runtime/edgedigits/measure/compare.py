"""Compare two measurements: say what became slower or faster, by intervals over whole processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import MeasurementError, UsageError
from edgedigits.measure.machine import Machine
from edgedigits.measure.result import MeasuredRow, Result
from edgedigits.measure.sample import Sample
from edgedigits.measure.summary import bootstrap

# Confidence level: one comparison in a hundred of a file with itself may be called a change.
LEVEL = 0.99
# With fewer processes a bootstrap cannot reach that level: all of five lie on one side of the true median once in 16
# times.
MIN_PROCESSES = 8
# How much two measurements of the same file, one after the other, differ beyond the spread of their processes.
DRIFT = 0.02
# The facts in which two descriptions of one machine must agree; its system and its Python may be updated in between.
SAME_MACHINE = ("board", "cpu", "cores", "architecture", "bits", "emulated")

ChangeVerdict = Literal["slower", "faster", "no difference seen"]
Across = Literal["machines", "models", "shapes"]


@dataclass(frozen=True, slots=True)
class Change:
    """The change of latency between two configurations.

    Attributes
    ----------
    old, new: the names of the configurations.
    old_us, new_us: their medians, in microseconds.
    ratio, ratio_ci99: new divided by old, and its 99 % interval.
    interleaved: whether both were measured in the same rounds, so that drift of the machine affects both alike.

    """

    old: str
    new: str
    old_us: float
    new_us: float
    ratio: float
    ratio_ci99: tuple[float, float]
    interleaved: bool

    @property
    def verdict(self) -> ChangeVerdict:
        """Slower or faster where the interval of the ratio excludes 1."""
        low, high = self.ratio_ci99
        return "slower" if low > 1 else "faster" if high < 1 else "no difference seen"


def compare_results(old: Result, new: Result, across: Sequence[Across] = ()) -> list[Change]:
    """Compare the configurations that two measurements have in common.

    ``across`` allows different machines, different models, or inputs of different shapes.

    Raises
    ------
    UsageError: different machines, models or shapes that ``across`` does not allow, or no configuration in common.
    MeasurementError: fewer processes than an interval of this level needs.

    """
    if "machines" not in across:
        require_same_machine(old.machine, new.machine)
    pairs = _pairs(old, new)
    for one, other in pairs:
        if "models" not in across:
            _require_same_model(one, other)
        if "shapes" not in across:
            _require_same_shapes(one, other)
    return [_change(one, other, interleaved=False) for one, other in pairs]


def compare_rows(result: Result) -> list[Change]:
    """Compare every other configuration of one measurement with the first one, round by round.

    Raises
    ------
    UsageError: fewer than two configurations.
    MeasurementError: fewer processes than an interval of this level needs.

    """
    first, *others = rows = _measured(result)
    if not others:
        raise UsageError(f"expected two configurations or more to compare with each other, found {len(rows)}")
    return [_change(first, other, interleaved=True) for other in others]


def require_same_machine(old: Machine, new: Machine) -> None:
    """Raise unless two machines agree in `SAME_MACHINE`.

    Raises
    ------
    UsageError: they differ; the message has both values.

    """
    for name in SAME_MACHINE:
        one, other = getattr(old, name), getattr(new, name)
        if one != other:
            raise UsageError(
                f"expected measurements of one machine, found {name} {one!r} and {other!r}; use --across machines to "
                "compare them anyway"
            )


def _require_same_model(old: MeasuredRow, new: MeasuredRow) -> None:
    one, other = old.configuration, new.configuration
    if one.sha256 != other.sha256:
        raise UsageError(
            f"{other.file}: expected the same model in both measurements, found SHA-256 {one.sha256[:12]} and "
            f"{other.sha256[:12]}; use --across models to compare them anyway"
        )


def _require_same_shapes(old: MeasuredRow, new: MeasuredRow) -> None:
    one, other = (", ".join(map(str, row.configuration.shapes)) for row in (old, new))
    if one != other:
        raise UsageError(
            f"{new.configuration.file}: expected inputs of the same shapes in both measurements, found "
            f"{one or 'pictures'} and {other or 'pictures'}; use --across shapes to compare them anyway"
        )


def _measured(result: Result) -> list[MeasuredRow]:
    rows = [row for row in result.rows if row.summary is not None and row.error is None]
    if not rows:
        raise MeasurementError(f"expected times, found none: {result.withheld or 'nothing was measured'}")
    return rows


def _pairs(old: Result, new: Result) -> list[tuple[MeasuredRow, MeasuredRow]]:
    """Pair rows of the same identity, preferring those of the same file; single rows are always paired."""
    before, after = _measured(old), _measured(new)
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    pairs = []
    for row in after:
        matching = [one for one in before if one.configuration.identity == row.configuration.identity]
        same_file = [one for one in matching if one.configuration.sha256 == row.configuration.sha256]
        pairs += [(one, row) for one in (same_file or matching)[:1]]
    if not pairs:
        raise UsageError(
            f"expected configurations in common, found none: {before[0].configuration.name}, ... and "
            f"{after[0].configuration.name}, ..."
        )
    return pairs


def _change(old: MeasuredRow, new: MeasuredRow, *, interleaved: bool) -> Change:
    one, other = medians_us(old.processes), medians_us(new.processes)
    for row, medians in ((old, one), (new, other)):
        if len(medians) < MIN_PROCESSES:
            raise MeasurementError(
                f"{row.configuration.name}: expected at least {MIN_PROCESSES} processes to compare, found "
                f"{len(medians)}; measure with --processes {MIN_PROCESSES} or more"
            )
    interval = _paired_interval(one, other) if interleaved else _independent_interval(one, other)
    ratio = float(np.median(_round_ratios(one, other))) if interleaved else float(np.median(other) / np.median(one))
    return Change(
        old.configuration.name, new.configuration.name, float(np.median(one)), float(np.median(other)),
        ratio, interval, interleaved,
    )  # fmt: skip


def medians_us(processes: Sequence[Sample]) -> NDArray[np.float64]:
    """Return the median of each process, in microseconds."""
    return np.array([np.median(sample.total()) for sample in processes]) / 1e3


def _round_ratios(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    count = min(len(old), len(new))  # the last round may have been interrupted
    return new[:count] / old[:count]


def _paired_interval(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of the median ratio of rounds; a disturbance of a whole round cancels out."""
    return bootstrap(_round_ratios(old, new), LEVEL)


def _independent_interval(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of the ratio of two medians with independently resampled processes, widened by `DRIFT`."""
    rng = np.random.default_rng(0)
    medians = [np.median(rng.choice(values, (4000, len(values))), axis=1) for values in (old, new)]
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(medians[1] / medians[0], [tail, 100 - tail])
    return float(low) * (1 - DRIFT), float(high) * (1 + DRIFT)
