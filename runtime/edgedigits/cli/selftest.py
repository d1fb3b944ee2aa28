"""The command `edgedigits selftest`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgedigits.cli.exporter_plugin import load_exporter_plugin
from edgedigits.console.options import add_choice, add_output, output_of
from edgedigits.console.requests import RemoteSelftestRequest
from edgedigits.console.tables import table

if TYPE_CHECKING:
    from edgedigits.verification.golden import GoldenResult


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", nargs="?", help="a shipped bundle's name or a path (default: the one in the package)")
    add_choice(parser)
    parser.add_argument(
        "--board", choices=("zero2w", "pi3", "pi4", "pi5"),
        help="run on an emulated Raspberry Pi with that board's wheels (needs x86-64 Linux with Debian's apt; says "
        "nothing about speed). To run another release on this machine, use --engine tflite-runtime==2.14",
    )  # fmt: skip
    parser.add_argument(
        "--os", choices=("bookworm", "trixie"), help="the operating system of --board (default: bookworm)"
    )
    parser.add_argument("--arch", choices=("arm64", "armhf"), help="the architecture of --board (default: arm64)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Run the golden inputs through each variant in each engine, on this machine or on an emulated board."""
    output = output_of(args)
    if args.board or args.os or args.arch or "==" in args.engine:
        request = RemoteSelftestRequest(
            args.bundle, args.variant, args.engine, args.threads, args.board, args.os, args.arch, output
        )
        code: int = load_exporter_plugin("selftest --board", "cli.remote_selftest").run(request)
        return code
    output.refuse_existing()
    from edgedigits.bundle import Bundle
    from edgedigits.console.chosen_files import choose_files
    from edgedigits.records import to_plain
    from edgedigits.verification.selftest import selftest

    bundle = Bundle.load(args.bundle)
    files, engines = choose_files(bundle, args.variant, args.engine)
    rows = selftest(bundle, files, engines, args.threads)
    cells = []
    for row in rows:
        if row.result is None:
            cells.append([row.file, row.engine, "–", "–", "–", "–", "–", f"FAILED: {row.error}"])
            continue
        result = row.result
        cells.append([
            row.file, row.engine, f"{len(result.wrong)}/{result.count}", f"{result.max_abs_difference:.1e}",
            f"{result.mean_abs_difference:.1e}", f"{len(result.pictures_off)}/{result.pictures}", _reference(result),
            "passed" if result.passed else "FAILED",
        ])  # fmt: skip
    text = table(["file", "engine", "wrong", "max |Δ|", "mean |Δ|", "pictures off", "compared with", ""], cells)
    output.give({"bundle": bundle.id, "rows": to_plain(tuple(rows))}, text)
    return max(row.exit_code for row in rows)


def _reference(result: GoldenResult) -> str:
    """Return the reference engine, and how close the outputs have to be to its own."""
    reference = result.reference_engine
    return f"{reference.engine} {reference.version}, {'exactly' if result.exact else 'up to rounding'}"
