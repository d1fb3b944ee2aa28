"""The command `edgedigits selftest`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.exporter_plugin import load_exporter_plugin
from edgedigits.console.options import add_choice, add_output, add_shape, output_of
from edgedigits.console.requests import RemoteSelftestRequest
from edgedigits.console.tables import table
from edgedigits.console.verdicts import next_step, verdict
from edgedigits.errors import UsageError

if TYPE_CHECKING:
    from edgedigits.console.output import Output
    from edgedigits.manifest import Task
    from edgedigits.verification.engine_agreement import LoneSelftest
    from edgedigits.verification.golden import GoldenResult
    from edgedigits.verification.selftest import SelftestRow


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
    parser.epilog = (
        "Golden inputs are images whose answers were recorded at the export. Text shows what failed, --json all: "
        "wrong answers, the largest and the mean difference |Δ| of a probability, pictures that decode otherwise."
    )


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
    output.give({"bundle": bundle.id, "rows": to_plain(tuple(rows))}, _text(args.bundle, bundle.manifest.task, rows))
    return max(row.exit_code for row in rows)


def _text(place: str | None, task: Task, rows: Sequence[SelftestRow]) -> str:
    """Return a table of what failed, how close the others are, and the verdict."""
    results = [row.result for row in rows if row.result and row.result.passed]
    failed = [row for row in rows if row.exit_code]
    lines = []
    if cells := [_cells(row, row.result) for row in failed if row.result]:
        lines += [table(["file", "engine", "wrong", "max |Δ|", "mean |Δ|", "pictures off", "compared with"], cells), ""]
    lines += [f"{row.file} in {row.engine}: {row.error}" for row in failed if row.error]
    if not failed:
        lines.append(_closeness(results))
    outcomes = {f"{row.file} in {row.engine}": "failed" if row in failed else "passed" for row in rows}
    lines.append(verdict(outcomes, _as_recorded(rows, results)))
    if cells:
        lines.append("do not use on this machine what failed; edgedigits doctor examines its engines")
    if failed:
        return "\n".join(lines)
    if task != "classify":
        return "\n".join(lines)
    chosen = () if place is None else ("--bundle", place)
    return "\n".join([*lines, next_step("edgedigits", "classify", "PICTURE", *chosen)])


def _cells(row: SelftestRow, result: GoldenResult) -> list[str]:
    return [
        row.file, row.engine, f"{len(result.wrong)}/{result.count}", f"{result.max_abs_difference:.1e}",
        f"{result.mean_abs_difference:.1e}", f"{len(result.pictures_off)}/{result.pictures}", _reference(result),
    ]  # fmt: skip


def _closeness(results: Sequence[GoldenResult]) -> str:
    """Return how many results equal the recorded ones, and how far the others are from them."""
    differences = [result.max_abs_difference for result in results]
    equal = differences.count(0)
    if not equal:
        return f"no output is further than {max(differences):.1e} from the recorded one"
    others = "" if equal == len(results) else f", the others within {max(differences):.1e}"
    return f"{equal} of {len(results)} give the recorded outputs exactly{others}"


def _as_recorded(rows: Sequence[SelftestRow], results: Sequence[GoldenResult]) -> str:
    files, engines = ({getattr(row, name): None for row in rows} for name in ("file", "engine"))
    inputs = _count(results[0].count, "golden input") if results else "golden inputs"
    pictures = f" and {_count(results[0].pictures, 'picture')}" if results and results[0].pictures else ""
    return (
        f"{_count(len(files), 'file')} in {_count(len(engines), 'engine')} ({', '.join(engines)}) answer {inputs}"
        f"{pictures} as recorded at the export"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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
    if found.verdict != "passed":
        return "\n".join([*lines, f"{found.verdict.upper()}: {found.why}"])
    ran = ", ".join(run.engine for run in found.engines)
    return "\n".join([*lines, found.why, f"all passed: {ran} agree on {_count(found.inputs, 'random input')}"])


def _reference(result: GoldenResult) -> str:
    """Return the reference engine, and how close the outputs have to be to its own."""
    reference = result.reference_engine
    return f"{reference.engine} {reference.version}, {'exactly' if result.exact else 'up to rounding'}"
