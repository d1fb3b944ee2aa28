"""The command `edgedigits selftest`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.exporter_plugin import load_exporter_plugin
from edgedigits.console.options import add_choice, add_output, add_shape, output_of
from edgedigits.console.requests import RemoteSelftestRequest
from edgedigits.console.tables import table
from edgedigits.errors import UsageError

if TYPE_CHECKING:
    from edgedigits.console.output import Output
    from edgedigits.verification.engine_agreement import LoneSelftest
    from edgedigits.verification.golden import GoldenResult


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "bundle", nargs="?", metavar="BUNDLE|FILE",
        help="a bundle, or a .tflite or .onnx file, over which the installed engines are compared with each other "
        "(default: the bundle in the package)",
    )  # fmt: skip
    add_choice(parser)
    add_shape(parser)
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
    """Run the golden inputs through each variant in each engine, on this machine or on an emulated board.

    A file without a bundle has no golden inputs: engines are compared with each other on random ones.
    """
    from edgedigits.model import is_model_file

    output = output_of(args)
    if args.bundle is not None and is_model_file(args.bundle):
        return _run_lone(args, Path(args.bundle), output)
    if args.shape:
        raise UsageError("selftest: --shape is for a .tflite or .onnx file; the golden inputs of a bundle have theirs")
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


def _run_lone(args: argparse.Namespace, path: Path, output: Output) -> int:
    """Compare the engines over a lone file."""
    elsewhere = args.board or args.os or args.arch or "==" in args.engine
    if elsewhere or args.variant is not None:
        option = "--variant" if args.variant is not None else "another board or release"
        raise UsageError(f"selftest: {option} is for a bundle, found the file {path}; leave it away")
    output.refuse_existing()
    from edgedigits.engines import choose_engine
    from edgedigits.input_shapes import parse_shapes
    from edgedigits.model import lone_model
    from edgedigits.records import to_plain
    from edgedigits.verification.engine_agreement import compare_engines

    model = lone_model(path)
    engines = choose_engine(args.engine, model.format)
    found = compare_engines(path, model, engines, parse_shapes(args.shape), args.threads)
    output.give(to_plain(found), _lone_text(found))
    return found.exit_code


def _lone_text(found: LoneSelftest) -> str:
    shapes = ", ".join(map(str, found.shapes)) or "none"
    lines = [
        f"{run.engine} {run.version}: ran {found.inputs} random inputs ({shapes})" if run.error is None
        else f"{run.engine}: FAILED: {run.error}"
        for run in found.engines
    ]  # fmt: skip
    if found.outputs:
        first = next(run.engine for run in found.engines if run.error is None)
        cells = [
            [
                row.output, f"{row.engine} - {first}",
                "not comparable" if row.max_abs_difference is None else f"{row.max_abs_difference:.1e}",
                f"{row.tolerance:.1e}", "–" if row.same_largest is None else f"{row.same_largest}/{found.inputs}",
                "passed" if row.passed else "FAILED",
            ]
            for row in found.outputs
        ]  # fmt: skip
        lines += ["", table(["output", "engines", "max |Δ|", "allowed", "same largest", ""], cells), ""]
    return "\n".join([*lines, found.why])


def _reference(result: GoldenResult) -> str:
    """Return the reference engine, and how close the outputs have to be to its own."""
    reference = result.reference_engine
    return f"{reference.engine} {reference.version}, {'exactly' if result.exact else 'up to rounding'}"
