"""The command `edgedigits compare`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.console.options import add_output, output_of
from edgedigits.console.progress import note
from edgedigits.console.tables import table
from edgedigits.errors import GateFailedError, MeasurementError, UsageError

if TYPE_CHECKING:
    from edgedigits.measure.compare import Change


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("old", type=Path, metavar="OLD.json", help="a result that bench -o stored")
    parser.add_argument(
        "new", type=Path, nargs="?", metavar="NEW.json",
        help="a later result; without it, every row of OLD.json is compared with its first row, round by round",
    )  # fmt: skip
    parser.add_argument(
        "--across", action="append", default=[], choices=("machines", "models", "shapes"),
        help="compare results of different machines, models or shapes of inputs, which is refused otherwise",
    )  # fmt: skip
    parser.add_argument(
        "--fail-if-slower", metavar="PERCENT", help="exit with 1 if a row is slower by more than this, such as 5%%"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Print what became slower or faster, and apply --fail-if-slower."""
    output = output_of(args)
    output.refuse_existing()
    limit = None if args.fail_if_slower is None else _limit(args.fail_if_slower)
    from edgedigits.measure.compare import compare_results, compare_rows
    from edgedigits.measure.result import read_result
    from edgedigits.records import to_plain

    old = read_result(args.old)
    if args.new is None and args.across:
        raise UsageError("compare: --across is for two files; the rows of one file are always compared")
    new = None if args.new is None else read_result(args.new)
    changes = compare_rows(old) if new is None else compare_results(old, new, args.across)
    for path, result in ((args.old, old), (args.new, new)):
        if result is not None:
            broken = "the measurement was interrupted: some rows have fewer processes than others"
            for line in [*([] if result.complete else [broken]), *result.all_warnings()]:
                note(f"warning: {path}: {line}")
    rows = [to_plain(change) | {"verdict": change.verdict} for change in changes]
    output.give({"schema": "edgedigits/compare/1", "changes": rows}, _text(changes))
    if limit is not None:
        _gate(changes, limit)
    return 0


def _text(changes: list[Change]) -> str:
    rows = []
    for change in changes:
        low, high = change.ratio_ci99
        names = change.new if change.interleaved or change.new == change.old else f"{change.new} / {change.old}"
        times = [f"{change.old_us:.2f}", f"{change.new_us:.2f}", f"{change.ratio:.3f}", f"{low:.3f}-{high:.3f}"]
        rows.append([names, *times, change.verdict])
    against = (
        f"against {changes[0].old}, in turns, round by round" if changes[0].interleaved
        else "one run after the other: the interval also covers the difference between runs"
    )  # fmt: skip
    return table(["configuration", "old µs", "new µs", "ratio", "99 % interval", "verdict"], rows) + f"\n{against}"


def _gate(changes: list[Change], limit: float) -> None:
    """Raise an error unless every row is certainly within the limit."""
    slower = [change for change in changes if change.ratio_ci99[0] > 1 + limit]
    if slower:
        worst = max(slower, key=lambda change: change.ratio)
        raise GateFailedError(
            f"{worst.new}: expected at most {limit:.1%} slower, found {worst.ratio - 1:.1%} "
            f"(at least {worst.ratio_ci99[0] - 1:.1%}); {len(slower)} of {len(changes)} are slower"
        )
    unsure = [change for change in changes if change.ratio_ci99[1] > 1 + limit]
    if unsure:
        worst = max(unsure, key=lambda change: change.ratio_ci99[1])
        raise MeasurementError(
            f"{worst.new}: cannot tell whether it is more than {limit:.1%} slower, it may be anything from "
            f"{worst.ratio_ci99[0] - 1:+.1%} to {worst.ratio_ci99[1] - 1:+.1%}; measure with more --processes, or both "
            "in turns in one run of bench"
        )


def _limit(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%?\s*", text)
    if match is None:
        raise UsageError(f"--fail-if-slower: expected percent such as 5%, found {text!r}")
    return float(match[1]) / 100
