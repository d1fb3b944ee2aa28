"""How fast each variant is in each engine, with one thread and with two.

`python -m benchmarks.latency.engines BUNDLE` is `edgedigits bench` with all that it can combine; the result is the one
that `bench` stores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.benchmark import Benchmark, Result
from benchmarks.harness.dots import Dot, draw_dots
from benchmarks.harness.markdown import machine_phrase, markdown_table
from edgedigits.cli.main import main as edgedigits

MATRIX = ["--threads", "1,2", "--processes", "10", "--seconds", "0.03"]  # more raw values would not fit a commit
SMALLEST = ["--threads", "1", "--processes", "5", "--seconds", "0", "--variant", "int8"]
HEAD = ("file", "engine", "threads", "load ms", "first µs", "p50 µs (95 % interval)", "p90 µs", "p99 µs", "per s",
        "peak MB")  # fmt: skip


def measure(args: argparse.Namespace) -> Result:
    """Return what `edgedigits bench` stores."""
    with tempfile.TemporaryDirectory(prefix="edgedigits-engines-") as folder:
        file = Path(folder) / "engines.json"
        code = edgedigits(["bench", args.bundle, *(SMALLEST if args.smallest else MATRIX), "-o", str(file)])
        if not file.exists():
            raise SystemExit(code)
        result: Result = json.loads(file.read_text())
    return result


def engines_table(result: Result) -> str:
    """Lay out load, first inference and steady state of each configuration that `bench` does not doubt itself."""
    doubtful = sum(bool(row["doubts"]) for row in result["rows"])
    note = (
        f"Medians over {result['processes']} fresh processes each, in rounds; the interval by drawing processes anew. "
        f"{machine_phrase(result['machine'])}, edgedigits {result['edgedigits']}; not told by this machine: "
        f"{', '.join(result['absent']) or 'nothing'}."
    )
    left_out = f"{doubtful} of {len(result['rows'])} rows are left out, for `bench` itself calls them doubtful."
    if doubtful == len(result["rows"]):
        return f"Measured, and not published: {left_out} {machine_phrase(result['machine'])}."
    picture = "![Median latency of every variant, engine and number of threads](engines.svg)"
    return markdown_table(HEAD, "llr", _rows(result), f"{note} {left_out}" if doubtful else note, picture)


def _rows(result: Result) -> Iterator[list[object]]:
    for row in result["rows"]:
        asked, found = row["configuration"], row["summary"]
        file = f"`{asked['file']}`"
        if row["doubts"]:
            continue
        if found is None:
            yield [file, asked["engine"], asked["threads"], row["error"], *["–"] * 6]
            continue
        low, high = found["p50_ci95_us"]
        yield [
            file, f"{asked['engine']} {row['version']}", asked["threads"], f"{found['load_ms']:.2f}",
            f"{found['first_us']:.0f}", f"{found['p50_us']:.1f} ({low:.1f}-{high:.1f})", f"{found['p90_us']:.1f}",
            f"{found['p99_us']:.1f}", f"{found['throughput']:,.0f}", f"{found['peak_rss_mb']:.0f}",
        ]  # fmt: skip


def draw_engines(result: Result) -> bytes:
    """Draw the median latency of every configuration that is not doubtful, with its interval."""
    dots = []
    for row in result["rows"]:
        asked, found = row["configuration"], row["summary"]
        if found is not None and not row["doubts"]:
            label = f"{asked['variant']} in {asked['engine']}, {asked['threads']} thr."
            low, high = found["p50_ci95_us"]
            dots.append(Dot(label, found["p50_us"], low, high, asked["engine"]))
    return b"" if not dots else draw_dots(dots, "median µs of one inference, with its 95 % interval", log=True)


def _failures(result: Result) -> list[str]:
    return [row["error"] for row in result["rows"] if row["error"]]


BENCHMARK = Benchmark(
    "engines",
    "How fast is each variant in each engine?",
    measure,
    engines_table,
    draw_engines,
    lambda parser: parser.add_argument("bundle", metavar="BUNDLE", help="a bundle with all variants"),
    _failures,
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
