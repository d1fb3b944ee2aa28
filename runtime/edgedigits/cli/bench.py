"""The command `edgedigits bench`."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from edgedigits.console.options import add_choice, add_output, add_shape, output_of
from edgedigits.console.progress import note, progress
from edgedigits.console.tables import table
from edgedigits.console.verdicts import next_step
from edgedigits.errors import EdgeDigitsError, MeasurementError

if TYPE_CHECKING:
    from edgedigits.measure.result import MeasuredRow, Recommendation, Result

_INTERRUPTED, _NOT_VALID = 130, 4


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "models", nargs="*", metavar="BUNDLE|FILE",
        help="bundles, or .tflite and .onnx files (default: the bundle in the package)",
    )  # fmt: skip
    add_choice(parser, threads=False)
    parser.add_argument(
        "--threads", default="1", metavar="N,N", help="numbers of engine threads to measure, such as 1,2,4 (default: 1)"
    )
    parser.add_argument("--batch", metavar="N,N", help="batch sizes to measure, .onnx files only (default: 1)")
    add_shape(parser)
    for option, what in (("delegate", "XNNPACK's kernels (.tflite)"), ("spinning", "polling of idle threads (.onnx)")):
        parser.add_argument(f"--{option}", choices=("on", "off", "both"), help=f"{what}: on, off, or both in turn")
    parser.add_argument(
        "--images", metavar="DIR", help="measure all stages from the picture files in this folder to their results"
    )
    parser.add_argument(
        "--processes", type=int, default=10, metavar="N", help="fresh processes for each configuration (default: 10)"
    )
    parser.add_argument(
        "--seconds", type=float, default=0.1, help="time in the steady state of each process (default: 0.1)"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 4 if a figure is unreliable")
    parser.add_argument(
        "--recommend", action="store_true", help="recommend a file, engine and number of threads for this device"
    )
    parser.add_argument(
        "--objective", choices=("p50", "p90", "p99"), help="the latency that --recommend minimises (default: p50)"
    )
    parser.add_argument(
        "--max-drop", type=float, metavar="POINTS", help="for --recommend: the largest loss of accuracy against Keras"
    )
    parser.add_argument("--max-size", metavar="SIZE", help="for --recommend: the largest file, such as 64KB")
    add_output(parser)
    parser.epilog = (
        "load: until the file is ready; first: the first inference; p50, p90, p99: the time within which 50, 90, 99 % "
        "of the later ones end, 95 % interval: of p50, over processes; per s: inferences a second; RSS: most memory."
    )


def run(args: argparse.Namespace) -> int:
    """Measure every configuration in rounds of fresh processes; Ctrl-C prints what was measured so far."""
    output = output_of(args)
    output.refuse_existing()
    from edgedigits.cli.bench_matrix import matrix, plan_of, wish_of
    from edgedigits.measure.rounds import measure_rounds
    from edgedigits.records import to_plain

    plan, (configurations, manifest), wish = plan_of(args), matrix(args), wish_of(args)
    result, worst = measure_rounds(configurations, plan, lambda line: progress(*line.split(": ", 1)))
    for row in result.rows:
        if row.error is not None:
            note(f"edgedigits: {row.error}")
    for line in _warnings(result):
        note(f"warning: {line}")
    text, failed = _text(result), None
    if wish is not None and manifest is not None and result.complete:
        from edgedigits.measure.recommend import recommend

        try:
            if result.withheld:
                raise MeasurementError(f"recommend: {result.withheld}")
            chosen = recommend(result.rows, manifest, wish)
            result, text = replace(result, recommendation=chosen), f"{text}\n\n{_chosen(chosen)}"
        except EdgeDigitsError as error:
            failed = error
    elif (
        wish is None
        and len(args.models) <= 1
        and manifest is not None
        and result.complete
        and not (worst or result.withheld)
    ):
        text = f"{text}\n{next_step('edgedigits', 'bench', *args.models, '--recommend')}"
    output.give(to_plain(result), text)
    if failed is not None:  # it is raised only now, so that the measurement is not lost
        raise failed
    if not result.complete:
        note("edgedigits: interrupted; this is what was measured so far")
        return _INTERRUPTED
    return max(worst, _NOT_VALID if args.strict and result.all_warnings() else 0)


def _warnings(result: Result) -> list[str]:
    """Return the warnings, with one line for a doubt that several rows share but for its figures."""
    alike: dict[str, list[str]] = {}
    for row in result.rows:
        for doubt in row.doubts:
            alike.setdefault(re.sub(r"[\d.,]+", "#", doubt), []).append(f"{row.configuration.name}: {doubt}")
    shared = [
        same[0] if len(same) == 1 else f"{len(same)} of {len(result.rows)} rows, such as {same[0]}"
        for same in alike.values()
    ]
    return [*result.warnings, *shared]


def _text(result: Result) -> str:
    head = ["file", "setting", "load ms", "first µs", "min µs", "p50 µs", "95 % interval", "p90 µs", "p99 µs", "per s"]
    rows = [_cells(row) for row in result.rows if row.error is None]
    lines = [table([*head, "RSS MB"], rows)]
    lines += dict.fromkeys(
        f"{used.file}: {', '.join(map(str, used.shapes))}"
        for used in (row.configuration for row in result.rows)
        if used.bundle is None and used.shapes
    )
    stages = [row for row in result.rows if row.summary and len(row.summary.stages_us) > 1]
    lines += [f"{row.configuration.name}: {_stages(row)}" for row in stages]
    machine = result.machine
    processes = "1 process" if result.processes == 1 else f"{result.processes} processes"
    lines.append(
        f"\n{processes} each, in rounds; {machine.board or machine.cpu or machine.architecture}, "
        f"{machine.cores} cores, Python {machine.python}, edgedigits {result.edgedigits}"
        + (f"; not known on this machine: {', '.join(result.absent)}" if result.absent else "")
    )
    if result.withheld:
        lines.append(f"times withheld: {result.withheld}")
    return "\n".join(lines)


def _cells(row: MeasuredRow) -> list[str]:
    used, found = row.configuration, row.summary
    setting = used.setting.replace(used.engine, f"{used.engine} {row.version or ''}".rstrip(), 1)
    if found is None:
        return [used.file, setting, *["–"] * 9]
    low, high = found.p50_ci95_us
    times = [found.first_us, found.min_us, found.p50_us]
    return [
        used.file, setting, f"{found.load_ms:.2f}", *(f"{time:.1f}" for time in times), f"{low:.1f}-{high:.1f}",
        f"{found.p90_us:.1f}", f"{found.p99_us:.1f}", f"{found.throughput:,.0f}",
        "–" if found.peak_rss_mb is None else f"{found.peak_rss_mb:.0f}",
    ]  # fmt: skip


def _stages(row: MeasuredRow) -> str:
    stages = row.summary.stages_us if row.summary else {}
    return ", ".join(f"{stage} {time:.1f} µs" for stage, time in stages.items())


def _chosen(chosen: Recommendation) -> str:
    rows = [
        [one.name, f"{one.figure_us:.1f}", f"{one.drop:+.2f}", f"{one.bytes / 1e3:.1f}", one.against or ""]
        for one in chosen.candidates
    ]
    candidates = table(["candidate", "µs", "drop", "KB", "against it"], rows)
    return f"{candidates}\n\nship {chosen.best.name}: {chosen.why}"
