"""How fast could it be? Multiplications a second that one core reaches in a small matrix product, float32 and int8.

This is nobody's peak from a data sheet, but the best that numpy's BLAS and the engines themselves reach here, in
matrices that stay in the caches. A model's multiplications divided by it are the time that no engine can undercut on
this core.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped
from benchmarks.harness.child import run_child
from benchmarks.harness.markdown import markdown_table, versions_phrase
from benchmarks.harness.spread import spread_rows
from edgedigits.engines import installed_engines

PRECISIONS = ("float32", "int8")
SHAPES = [[64, 256, 256], [128, 256, 256], [256, 256, 256], [256, 512, 512], [512, 512, 512]]
SMALLEST = [[64, 64, 64]]
ROUNDS, SECONDS = 5, 0.1
# Settings of numpy's BLAS that choose kernels and block sizes for another processor than this one.
OVERRULED = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}


def measure(args: argparse.Namespace) -> Result:
    """Make the products, then measure numpy and all engines in fresh processes."""
    shapes, rounds, seconds = (SMALLEST, 1, 0.0) if args.smallest else (SHAPES, ROUNDS, SECONDS)
    with tempfile.TemporaryDirectory(prefix="edgedigits-roofline-") as folder:
        macs = _run("roofline_models", folder, json.dumps(shapes))
        measured = []
        for _ in range(rounds):
            for engine in ("numpy", *installed_engines()):
                measured += _run("roofline_probe", folder, engine, json.dumps(shapes), str(seconds))
    details = spread_rows(measured, "gmacs")
    found = limits(details)
    model = {"name": "models/small.keras", "macs": macs}
    model |= {f"{precision}_us": round(roofline_us(found, precision, macs), 2) for precision in PRECISIONS}
    named = describe_shipped(["edgedigits", "numpy", *installed_engines()])
    return named | {"processes": rounds, **found, "model": model, "details": details}


def _run(module: str, *words: str) -> Any:
    environment = {name: value for name, value in os.environ.items() if name not in OVERRULED}
    return run_child(f"benchmarks.latency.{module}", *words, environment=environment | {"OPENBLAS_NUM_THREADS": "1"})


def limits(details: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return the most that anything ever reached in each precision, 10⁹ multiplications with addition a second.

    The best process counts and not the median one: a limit that was exceeded once is none.
    """
    found: dict[str, float] = defaultdict(float)
    for row in details:
        key = f"{row['precision']}_gmacs"
        found[key] = max(found[key], row["high"])
    return dict(found)


def roofline_us(result: Result, precision: str, macs: int) -> float:
    """Return the µs in which one core could do a model's multiplications, if it did nothing else."""
    return macs / float(result[f"{precision}_gmacs"]) / 1e3


def roofline_table(result: Result) -> str:
    """Lay out rates: a row for each thing that multiplies, a column a shape."""
    shapes = dict.fromkeys("×".join(map(str, row["shape"])) for row in result["details"])
    rates: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sorted(result["details"], key=lambda row: PRECISIONS.index(row["precision"])):
        rates[row["precision"], f"{row['engine']} {row['operator']}"].append(f"{row['gmacs']:.0f}")
    macs, machine = result["model"]["macs"], result["machine"]
    note = (
        f"Thousand million multiplications with addition a second, one thread, medians over {result['processes']} "
        f"processes; rows × depth × columns. The best process reached {result['float32_gmacs']:.0f} in float32 and "
        f"{result['int8_gmacs']:.0f} in int8: the {macs / 1e6:.2f} million of `{result['model']['name']}` cannot take "
        f"less than {roofline_us(result, 'float32', macs):.1f} µs and {roofline_us(result, 'int8', macs):.1f} µs on "
        f"one core. {versions_phrase(result['versions'])}; {machine['board'] or machine['cpu']}, Python "
        f"{machine['python']}."
    )
    head = ("precision", "what multiplies", *shapes)
    return markdown_table(head, "llr", [[*key, *cells] for key, cells in rates.items()], note)


BENCHMARK = Benchmark("roofline", "How many multiplications a second does one core reach?", measure, roofline_table)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
