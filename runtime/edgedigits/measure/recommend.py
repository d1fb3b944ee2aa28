"""Which file, engine and number of threads to ship on this device, from its own measurement."""

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
class Wish:
    """What the device can bear.

    Attributes
    ----------
    max_drop: of accuracy against Keras, in percentage points; max_bytes: of the file. None: any.

    """

    objective: Objective
    max_drop: float | None
    max_bytes: int | None


def recommend(rows: Sequence[MeasuredRow], manifest: Manifest, wish: Wish) -> Recommendation:
    """Choose among measured configurations of one bundle.

    Of those that are as fast as the fastest one as far as the intervals tell, the one with the fewest threads, then the
    smallest drop, then the smallest file.

    Raises
    ------
    GateFailedError: none fulfils the wish; the message says what each lacks.

    """
    found = sorted(
        (_candidate(row, manifest, wish) for row in rows if row.summary and row.error is None),
        key=lambda one: one.figure_us,
    )
    fit = [one for one in found if one.against is None]
    if not fit:
        lacks = "; ".join(f"{one.name}: {one.against}" for one in found) or "nothing was measured"
        raise GateFailedError(
            f"recommend: nothing in this bundle fulfils the wish ({lacks}); allow more, or export others"
        )
    fastest = fit[0]
    equals = [one for one in fit if one.ci95_us[0] <= fastest.ci95_us[1]]
    best = min(equals, key=lambda one: (one.threads, one.drop, one.bytes, one.figure_us))
    return Recommendation(best, _why(best, fit, equals, wish), tuple(found))


def _candidate(row: MeasuredRow, manifest: Manifest, wish: Wish) -> Candidate:
    asked = row.configuration
    file = next(file for file in manifest.files if file.path == asked.file)
    drop = 100 * (manifest.reference.keras.top1 - file.accuracy.top1)
    figures = np.array([np.percentile(one.total(), _PERCENT[wish.objective]) for one in row.processes]) / 1e3
    against = []
    if wish.max_drop is not None and drop > wish.max_drop + 1e-9:
        against.append(f"loses {drop:.2f} points of accuracy, at most {wish.max_drop:g} are allowed")
    if wish.max_bytes is not None and asked.bytes > wish.max_bytes:
        against.append(f"has {asked.bytes / 1e3:.1f} KB, at most {wish.max_bytes / 1e3:g} are allowed")
    return Candidate(
        asked.name, asked.file, asked.bytes, asked.engine, asked.threads, float(np.median(figures)),
        bootstrap(figures, 0.95), drop, "; ".join(against) or None,
    )  # fmt: skip


def _why(best: Candidate, fit: Sequence[Candidate], equals: Sequence[Candidate], wish: Wish) -> str:
    low, high = best.ci95_us
    said = [f"its {wish.objective} is {best.figure_us:.1f} µs (95 % interval {low:.1f} to {high:.1f})"]
    if alike := [f"{one.name} {_worse(best, one)}" for one in equals if one is not best]:
        said.append(f"as fast as far as this measurement can tell, but behind it: {', '.join(alike)}")
    if others := [one for one in fit if one not in equals]:
        said.append(f"next comes {others[0].name} with {others[0].figure_us:.1f} µs")
    said.append(f"it loses {best.drop:.2f} points of accuracy against Keras and has {best.bytes / 1e3:.1f} KB")
    return "; ".join(said)


def _worse(best: Candidate, other: Candidate) -> str:
    """By what a candidate that is as fast comes after the best one."""
    if best.threads != other.threads:
        return "(more threads)"
    if best.drop != other.drop:
        return "(loses more accuracy)"
    return "(a larger file)" if best.bytes != other.bytes else "(a little slower in the middle)"
