"""What scoring costs, out of score.json: a table, pictures a day, and the goals that were missed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.boards.pi_tables import a_day
from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from benchmarks.scoring.ways import LOOP, ONE, SIDE, SMALLEST, WAYS

_MILLION = 1e6


def _medians(result: Result) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        found.setdefault((row["set"], row["way"]), []).append(row)
    return {
        key: {"count": rows[0]["count"], "times": len(rows), "peak_mb": max(row["peak_mb"] for row in rows)}
        | {name: statistics.median(row[name] for row in rows) for name in ("rate", "start")}
        for key, rows in found.items()
    }


def shares(result: Result) -> dict[tuple[str, str], float]:
    """Return our rate as a share of that by hand, for each set and way that has one: the median over the turns."""
    found = {}
    for way in WAYS:
        for name in dict.fromkeys(row["set"] for row in result["rows"]):
            ours, theirs = ([row["rate"] for row in result["rows"] if (row["set"], row["way"]) == (name, one)]
                            for one in (way.name, way.beside))  # fmt: skip
            if ours and theirs:
                found[name, way.name] = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return found


def score_table(result: Result) -> str:
    """Lay out pictures a second, the share of what is written by hand, memory, and the start."""
    beside, rows = shares(result), []
    for (name, way), found in _medians(result).items():
        share = f"{beside[name, way]:.2f}" if (name, way) in beside else "–"
        figures = f"{found['rate']:,.0f}", share, f"{found['peak_mb']:,}", f"{found['start']:.1f}"
        rows.append((f"{found['count']:,} {name}", way, *figures))
    head = ("archive", "scored by", "pictures a second", "share of by hand", "peak MB", "seconds for a hundredth")
    times = ", ".join(
        f"{found['times']} turn{'s' * (found['times'] > 1)} of {name}"
        for (name, way), found in _medians(result).items()
        if way == LOOP
    )
    note = (
        f"Medians of {times}, in which one and the same way differs by up to {100 * _spread(result):.0f} %. Rates are "
        "of what the whole archive has more than its hundredth, so that starting does not count; each process has one "
        "thread. Memory of all processes together, mapped files left out. Photographs are drawn, "
        f"{SIDE} x {SIDE} pixels, JPEG. {machine_phrase(result['machine'])}; {versions_phrase(result['versions'])}. "
        "Measured by `python -m benchmarks.scoring.score`, written by `make readme`."
    )
    return markdown_table(head, "llr", rows, note)


def _spread(result: Result) -> float:
    """Return by what share of its median the rate of one way differs between turns, at most."""
    rates: dict[tuple[str, str], list[float]] = {}
    for row in result["rows"]:
        rates.setdefault((row["set"], row["way"]), []).append(row["rate"])
    return max((max(each) - min(each)) / statistics.median(each) for each in rates.values())


def days_phrase(result: Result, pi: Result) -> str:
    """Return how many pictures a day one core of this machine answers, and about how many one of a Pi 5."""
    here = ", ".join(
        f"{_rounded(86_400 * found['rate'])} {name}"
        for (name, way), found in _medians(result).items()
        if way == ONE
    )  # fmt: skip
    there = {task: a_day(pi, task) for task in ("classify", "read")}
    board = ", ".join(f"`{task}` {_rounded(count)}" for task, count in there.items() if count)
    estimate = (
        f" One core of a Raspberry Pi 5, estimated from counted instructions ([how](raspberry-pi.md)) and measured "
        f"nowhere: a day's {board} pictures, small ones and pages of 40 digits."
    )
    return f"A day of one core here: {here}.{estimate if board else ''}"


def _rounded(count: float) -> str:
    """Return a number with two digits that say something, in words."""
    digits = round(count, 1 - math.floor(math.log10(count)))
    return f"{digits / _MILLION:,.10g} million" if digits >= _MILLION else f"{digits:,.0f}"


def faults(result: Result) -> Sequence[str]:
    """Return the goals that were missed."""
    goals = {way.name: way.goal for way in WAYS}
    return [
        f"{name}, {way}: {share:.2f} of what is written by hand, at least {goals[way]} is the goal"
        for (name, way), share in shares(result).items()
        if share < goals[way] and len(result["rows"]) > len(SMALLEST) * 2
    ]
