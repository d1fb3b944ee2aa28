"""What `edgedigits parity` prints: a table of what differs, a sentence on what does not, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from edgedigits.console.tables import table
from edgedigits.console.verdicts import last_lines, next_step, reasons_by_name

if TYPE_CHECKING:
    from edgedigits.manifest import GateChoice
    from edgedigits.verification.compare import Comparison
    from edgedigits.verification.parity import ParityRow

_JUDGED = ["file", "engine", "accuracy", "95 % interval", "drop", "at most", "agree", "flips", "max |Δ|", "gate"]
_LEGEND = (
    "drop: points of accuracy lost against {reference}; at most: its upper 95 % bound;\n"
    "agree, flips: answers that are the same, that changed; max |Δ|: largest difference of a probability;\n"
    "--json has more"
)


def tables(rows: list[ParityRow], here: dict[str, Any], reference: str) -> str:
    """Return, for each machine, a table of what answers otherwise, and a sentence on what does not."""

    def name(row: ParityRow) -> str:
        return _name(row.machine or here)

    parts, legend = [], False
    for machine, group in groupby(sorted(rows, key=name), name):
        ran = list(group)
        alike = [row for row in ran if _answers_alike(row)]
        parts.append(f"on {machine}:")
        if telling := [row for row in ran if row not in alike]:
            parts.append(table(_JUDGED, [_judged(row, row.comparison) for row in telling]))
            legend = True
        parts += [_alike(alike, reference)] if alike else []
    return "\n\n".join([*parts, *([_LEGEND.format(reference=reference)] if legend else [])])


def _answers_alike(row: ParityRow) -> bool:
    passed = row.verdict is not None and row.verdict.outcome == "passed"
    return passed and row.comparison is not None and not row.comparison.flips


def _alike(rows: list[ParityRow], reference: str) -> str:
    """Return a sentence about files that give every answer of the reference."""
    engines: dict[str, list[str]] = {}
    for row in rows:
        engines.setdefault(row.file, []).append(f"{row.engine} {row.version}")
    furthest = max(row.comparison.max_abs_difference for row in rows if row.comparison)
    lines = [f"  {file} in {', '.join(names)}" for file, names in engines.items()]
    said = f"every answer as {reference} gives it, with probabilities within {furthest:.1e}:"
    return "\n".join([said, *lines])


def _name(machine: dict[str, Any]) -> str:
    """Return a machine's name without control characters, since it may come from a file."""
    name = f"{machine.get('board') or machine.get('cpu') or 'a machine without a name'}, {machine.get('architecture')}"
    return "".join(letter for letter in name if letter.isprintable())


def _judged(row: ParityRow, figures: Comparison | None) -> list[str]:
    if figures is None or row.verdict is None:
        return [row.file, row.engine, *["–"] * 7, "ERROR"]
    low, high = (100 * end for end in figures.accuracy.ci95)
    outcome = row.verdict.outcome
    return [
        row.file, f"{row.engine} {row.version}", f"{figures.accuracy.top1:.2%}", f"{low:.2f}-{high:.2f}",
        f"{figures.drop:+.2f}", f"{figures.drop_ci95[1]:+.2f}", f"{figures.agreement:.2%}", str(len(figures.flips)),
        f"{figures.max_abs_difference:.1e}", outcome if outcome == "passed" else outcome.upper(),
    ]  # fmt: skip


def remarks(rows: list[ParityRow]) -> list[str]:
    """Return a line for each reason why rows did not pass."""
    why = [
        (f"{row.file} in {row.engine}", row.error or "; ".join(row.verdict.reasons if row.verdict else ()))
        for row in rows
    ]
    return [f"\n{line}" for line in reasons_by_name(why)]


def last_words(rows: list[ParityRow], gate: GateChoice, bundles: Sequence[str]) -> list[str]:
    """Return the verdict, and what to do next where all passed."""
    outcomes = {f"{row.file} in {row.engine}": row.verdict.outcome if row.verdict else "error" for row in rows}
    bounds = [row.comparison.drop_ci95[1] for row in rows if row.comparison]
    allowed = f"{gate.margin:g} may be" if gate.name == "accuracy" else "within the limits of shipped models"
    passed = f"at most {max([0.0, *bounds]):.2f} points of accuracy are lost, {allowed}"
    then = next_step("edgedigits", "bench", *bundles, "--recommend")
    undecided = (row.verdict.needed for row in rows if row.verdict and row.verdict.outcome == "undecided")
    return last_lines(outcomes, passed, then, undecided)
