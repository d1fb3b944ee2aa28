"""Two measurements beside each other: what became slower or faster, and only where whole processes say so."""

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

# One comparison in a hundred of a thing with itself may be called a change.
LEVEL = 0.99
# With fewer, drawing processes anew cannot reach that level: all of five lie on one side of the truth once in 16 times.
LEAST_PROCESSES = 8
# What the same file differs by between two runs, one after the other, beyond what their processes show.
DRIFT = 0.02
# What two descriptions must share to be of one machine; a system or a Python may be updated between two runs.
SAME_MACHINE = ("board", "cpu", "cores", "architecture", "bits", "emulated")

Verdict = Literal["slower", "faster", "no difference seen"]
Across = Literal["machines", "models"]


@dataclass(frozen=True, slots=True)
class Change:
    """One configuration in both measurements.

    Attributes
    ----------
    old, new: names of the configurations; old_us, new_us: their medians.
    ratio, ratio_ci99: new by old.
    interleaved: both were measured in turns, so that the machine's drift is in neither.

    """

    old: str
    new: str
    old_us: float
    new_us: float
    ratio: float
    ratio_ci99: tuple[float, float]
    interleaved: bool

    @property
    def verdict(self) -> Verdict:
        """What the interval says."""
        low, high = self.ratio_ci99
        return "slower" if low > 1 else "faster" if high < 1 else "no difference seen"


def compare_results(old: Result, new: Result, across: Sequence[Across] = ()) -> list[Change]:
    """Compare what two measurements have in common; ``across`` says which differences are meant.

    Raises
    ------
    UsageError: different machines or models that were not meant, or nothing in common.
    MeasurementError: fewer processes than an interval of this level needs.

    """
    if "machines" not in across:
        refuse_other_machine(old.machine, new.machine)
    pairs = _pairs(old, new)
    if "models" not in across:
        for one, other in pairs:
            _refuse_other_model(one, other)
    return [_change(one, other, interleaved=False) for one, other in pairs]


def compare_rows(result: Result) -> list[Change]:
    """Compare every configuration of one measurement with its first one, round by round.

    Raises
    ------
    UsageError: fewer than two configurations.
    MeasurementError: fewer processes than an interval of this level needs.

    """
    first, *others = rows = _measured(result)
    if not others:
        raise UsageError(f"expected two configurations or more to compare with each other, found {len(rows)}")
    return [_change(first, other, interleaved=True) for other in others]


def refuse_other_machine(old: Machine, new: Machine) -> None:
    """Refuse machines that differ in what decides a latency.

    Raises
    ------
    UsageError: with both values.

    """
    for name in SAME_MACHINE:
        one, other = getattr(old, name), getattr(new, name)
        if one != other:
            raise UsageError(
                f"expected measurements of one machine, found {name} {one!r} and {other!r}; say --across machines to "
                "compare them all the same"
            )


def _refuse_other_model(old: MeasuredRow, new: MeasuredRow) -> None:
    one, other = old.configuration, new.configuration
    if one.sha256 != other.sha256:
        raise UsageError(
            f"{other.file}: expected the same model in both measurements, found SHA-256 {one.sha256[:12]} and "
            f"{other.sha256[:12]}; say --across models to compare them all the same"
        )


def _measured(result: Result) -> list[MeasuredRow]:
    rows = [row for row in result.rows if row.summary is not None and row.error is None]
    if not rows:
        raise MeasurementError(f"expected times, found none: {result.withheld or 'nothing was measured'}")
    return rows


def _pairs(old: Result, new: Result) -> list[tuple[MeasuredRow, MeasuredRow]]:
    """Rows of one role, of the same file where it has that; where each measurement has one row alone, those."""
    before, after = _measured(old), _measured(new)
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    found = []
    for row in after:
        alike = [one for one in before if one.configuration.role == row.configuration.role]
        same = [one for one in alike if one.configuration.sha256 == row.configuration.sha256]
        found += [(one, row) for one in (same or alike)[:1]]
    if not found:
        raise UsageError(
            f"expected configurations in common, found none: {before[0].configuration.name}, ... and "
            f"{after[0].configuration.name}, ..."
        )
    return found


def _change(old: MeasuredRow, new: MeasuredRow, *, interleaved: bool) -> Change:
    one, other = medians_us(old.processes), medians_us(new.processes)
    for row, medians in ((old, one), (new, other)):
        if len(medians) < LEAST_PROCESSES:
            raise MeasurementError(
                f"{row.configuration.name}: expected at least {LEAST_PROCESSES} processes to compare, found "
                f"{len(medians)}; measure with --processes {LEAST_PROCESSES} or more"
            )
    interval = _paired(one, other) if interleaved else _apart(one, other)
    ratio = float(np.median(_by_round(one, other))) if interleaved else float(np.median(other) / np.median(one))
    return Change(
        old.configuration.name, new.configuration.name, float(np.median(one)), float(np.median(other)),
        ratio, interval, interleaved,
    )  # fmt: skip


def medians_us(processes: Sequence[Sample]) -> NDArray[np.float64]:
    """The median of each process, in microseconds."""
    return np.array([np.median(sample.total()) for sample in processes]) / 1e3


def _by_round(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    count = min(len(old), len(new))  # the last round may have been interrupted
    return new[:count] / old[:count]


def _paired(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float]:
    """Of the median of the rounds' ratios: what slowed both processes of a round down is in neither."""
    return bootstrap(_by_round(old, new), LEVEL)


def _apart(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float]:
    """Of the ratio of two medians whose processes are drawn apart, and wider by what runs differ in besides."""
    rng = np.random.default_rng(0)
    drawn = [np.median(rng.choice(values, (4000, len(values))), axis=1) for values in (old, new)]
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(drawn[1] / drawn[0], [tail, 100 - tail])
    return float(low) * (1 - DRIFT), float(high) * (1 + DRIFT)
