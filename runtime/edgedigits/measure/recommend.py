"""Recommend which file, engine and number of threads to ship on a device, from a measurement on that device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgedigits.errors import GateFailedError
from edgedigits.manifest import Manifest
from edgedigits.measure.result import Candidate, MeasuredRow, Recommendation
from edgedigits.measure.summary import bootstrap

Objective = Literal["p50", "p90", "p99"]
_PERCENT = {"p50": 50, "p90": 90, "p99": 99}


@dataclass(frozen=True, slots=True)
class SelectionCriteria:
    """What a recommendation minimises, and the limits that it keeps.

    Attributes
    ----------
    objective: the percentile of latency to minimise.
    max_drop: the largest drop of accuracy against Keras, in percentage points; None for any.
    max_bytes: the largest size of the file; None for any.

    """

    objective: Objective
    max_drop: float | None
    max_bytes: int | None


def recommend(rows: Sequence[MeasuredRow], manifest: Manifest, criteria: SelectionCriteria) -> Recommendation:
    """Choose among the measured configurations of one bundle.

    Among the configurations that are not measurably slower than the fastest one, choose the one with the fewest
    threads, then the smallest drop, then the smallest file.

    Raises
    ------
    GateFailedError: no configuration meets the limits; the message says which limit each one misses.

    """
    candidates = sorted(
        (_candidate(row, manifest, criteria) for row in rows if row.summary and row.error is None),
        key=lambda one: one.figure_us,
    )
    eligible = [one for one in candidates if one.against is None]
    if not eligible:
        misses = "; ".join(f"{one.name}: {one.against}" for one in candidates) or "nothing was measured"
        raise GateFailedError(
            f"recommend: no configuration of this bundle meets the limits ({misses}); "
            "relax them, or export other variants"
        )
    fastest = eligible[0]
    equally_fast = [one for one in eligible if one.ci95_us[0] <= fastest.ci95_us[1]]
    best = min(equally_fast, key=lambda one: (one.threads, one.drop, one.bytes, one.figure_us))
    return Recommendation(best, _why(best, eligible, equally_fast, criteria), tuple(candidates))


def _candidate(row: MeasuredRow, manifest: Manifest, criteria: SelectionCriteria) -> Candidate:
    configuration = row.configuration
    file = next(file for file in manifest.files if file.path == configuration.file)
    drop = 100 * (manifest.reference.accuracy.top1 - file.accuracy.top1)
    figures = np.array([np.percentile(one.total(), _PERCENT[criteria.objective]) for one in row.processes]) / 1e3
    against = []
    if criteria.max_drop is not None and drop > criteria.max_drop + 1e-9:
        against.append(f"loses {drop:.2f} points of accuracy, at most {criteria.max_drop:g} are allowed")
    if criteria.max_bytes is not None and configuration.bytes > criteria.max_bytes:
        against.append(f"has {configuration.bytes / 1e3:.1f} KB, at most {criteria.max_bytes / 1e3:g} are allowed")
    return Candidate(
        configuration.name, configuration.file, configuration.bytes, configuration.engine, configuration.threads,
        float(np.median(figures)), bootstrap(figures, 0.95), drop, "; ".join(against) or None,
    )  # fmt: skip


def _why(
    best: Candidate, eligible: Sequence[Candidate], equally_fast: Sequence[Candidate], criteria: SelectionCriteria
) -> str:
    low, high = best.ci95_us
    reasons = [f"its {criteria.objective} is {best.figure_us:.1f} µs (95 % interval {low:.1f} to {high:.1f})"]
    if behind := [f"{one.name} {_disadvantage(best, one)}" for one in equally_fast if one is not best]:
        reasons.append(f"not measurably slower, but ranked behind it: {', '.join(behind)}")
    if slower := [one for one in eligible if one not in equally_fast]:
        reasons.append(f"the next one is {slower[0].name} with {slower[0].figure_us:.1f} µs")
    reasons.append(f"it loses {best.drop:.2f} points of accuracy against Keras and has {best.bytes / 1e3:.1f} KB")
    return "; ".join(reasons)


def _disadvantage(best: Candidate, other: Candidate) -> str:
    """Return why a candidate that is equally fast is ranked behind the best one."""
    if best.threads != other.threads:
        return "(more threads)"
    if best.drop != other.drop:
        return "(loses more accuracy)"
    return "(a larger file)" if best.bytes != other.bytes else "(a slightly higher latency)"
