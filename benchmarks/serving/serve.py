"""What `edgedigits serve` costs: throughput beside a bare endpoint, and memory.

Ten minutes for everything, in an environment that has the wheel as users install it. Parts that are not asked for stay
in the file as they were. The exit code is 1 for a wrong response or memory that grew. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from benchmarks.harness.benchmark import SCHEMA, Benchmark, Result, describe_shipped, progress, write_result
from benchmarks.harness.venvs import project_venv
from benchmarks.serving.memory import memory
from benchmarks.serving.serve_table import TABLES
from benchmarks.serving.servers import ours, theirs
from benchmarks.serving.throughput import throughput
from edgedigits.files import cache_folder

PARTS = tuple(TABLES)
PACKAGES = ("edgedigits", "starlette", "uvicorn", "h11", "litert", "numpy", "pillow")
# A load average beyond which whoever has the processor is a matter of luck.
BUSY = 1.0
ROUNDS, SECONDS = 7, 1.5
POINTS = (2_000, 20_000, 50_000, 100_000, 150_000, 200_000)


def measure(args: argparse.Namespace) -> Result:
    """Measure each part that is asked for, and write it at once; the smallest run takes this Python."""
    python = sys.executable if args.smallest else project_venv(cache_folder() / "serve", extras="[serve]")
    if (load := os.getloadavg()[0]) > BUSY:
        progress(f"load average {load:.1f}: something else runs, and times are doubtful")
    result: Result = json.loads(args.output.read_text()) if args.output.exists() else {"schema": SCHEMA}
    for part in args.only:
        described = describe_shipped(PACKAGES, python) | {"load_average": os.getloadavg()[0]}
        result[part] = _measure_part(part, python, smallest=args.smallest) | {"of": described}
        write_result(args.output, result)
    return result


def _measure_part(part: str, python: str, *, smallest: bool) -> dict[str, Any]:
    if part == "throughput":
        commands = {"ours": ours(python), "theirs": theirs(python)}
        return throughput(commands, *((1, 0.05) if smallest else (ROUNDS, SECONDS)))
    return memory(ours(python), (40, 80) if smallest else POINTS)


def _tables(result: Result) -> str:
    return "\n\n".join(table(result) for part, table in TABLES.items() if part in result)


def _failures(result: Result) -> list[str]:
    return [f"{part}: {line}" for part in PARTS if part in result for line in result[part]["failed"]]


def _options(parser: argparse.ArgumentParser) -> None:
    shown = f"measure these parts alone, of {', '.join(PARTS)}"
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=shown)


BENCHMARK = Benchmark(
    "serve", "What does `edgedigits serve` cost?", measure, _tables,
    options=_options, failures=_failures,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
