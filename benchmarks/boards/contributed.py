"""Measurements of physical boards that people contributed: `edgedigits bench -o benchmarks/boards/NAME.json`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.markdown import markdown_table
from edgedigits.errors import InputError
from edgedigits.measure.result import Result, read_result

BOARDS = Path(__file__).parent


def contributed(folder: Path = BOARDS) -> list[Result]:
    """Read all contributed measurements, in the order of their files' names.

    Raises
    ------
    InputError: a file is no measurement, or not one of a physical board.

    """
    found = []
    for path in sorted(folder.glob("*.json")):
        result = read_result(path)
        machine = result.machine
        if machine.board is None or machine.emulated or machine.virtual or not result.complete:
            raise InputError(f"{path}: expected a whole measurement of a physical board, found {machine}")
        found.append(result)
    return found


def contributed_table(results: list[Result]) -> str:
    """Return a table with a row for each file and engine of each board."""
    if not results:
        return "Nobody has contributed a board yet."
    rows = [
        (
            result.machine.board, result.machine.system or result.machine.kernel, f"`{row.configuration.file}`",
            row.configuration.setting, "{:.1f} ({:.1f}-{:.1f})".format(row.summary.p50_us, *row.summary.p50_ci95_us),
            f"{row.summary.p99_us:.1f}", "; ".join([*result.warnings, *row.doubts]) or "none",
        )
        for result in results for row in result.rows if row.summary is not None
    ]  # fmt: skip
    head = ("board", "system", "file", "setting", "p50 µs (95 % interval)", "p99 µs", "doubts")
    return markdown_table(head, "llllrrl", rows)
