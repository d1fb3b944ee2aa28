"""Physical boards' measurements that people contributed: ``edgedigits bench -o benchmarks/boards/NAME.json``."""

from __future__ import annotations

from pathlib import Path

from edgedigits.errors import InputError
from edgedigits.measure.result import Result, read_result

BOARDS = Path(__file__).parent / "boards"


def contributed(folder: Path = BOARDS) -> list[Result]:
    """All of them, in the order of their files' names.

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
    """A row each file and engine of each board."""
    if not results:
        return "Nobody has contributed a board yet."
    lines = [
        "| board | system | file | setting | p50 µs (95 % interval) | p99 µs | doubts |",
        "|---|---|---|---|---:|---:|---|",
    ]
    for result in results:
        for row in result.rows:
            if row.summary is not None:
                low, high = row.summary.p50_ci95_us
                lines.append(
                    f"| {result.machine.board} | {result.machine.system or result.machine.kernel} "
                    f"| `{row.configuration.file}` | {row.configuration.setting} "
                    f"| {row.summary.p50_us:.1f} ({low:.1f}-{high:.1f}) | {row.summary.p99_us:.1f} "
                    f"| {'; '.join([*result.warnings, *row.doubts]) or 'none'} |"
                )
    return "\n".join(lines)
