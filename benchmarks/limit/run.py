"""How fast could it be? Multiplications a second that one core reaches in a small matrix product, float32 and int8.

`python benchmarks/limit/run.py [--smallest] [-o FILE]`. Nobody's peak from a data sheet: the best that numpy's BLAS and
the engines themselves reach here, in matrices that stay in the caches. A model's multiplications divided by it are the
time that no engine can undercut on this core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bound import PRECISIONS, limit_table, limit_us, limits

from edgedigits.bundle import Bundle
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.files import write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain

SCHEMA = 1
HERE = Path(__file__).parent
RESULT = HERE.parent / "results" / "limit.json"
SHAPES = [[64, 256, 256], [128, 256, 256], [256, 256, 256], [256, 512, 512], [512, 512, 512]]
SMALLEST = [[64, 64, 64]]
ROUNDS, SECONDS = 5, 0.1
# Settings of numpy's BLAS that choose kernels and block sizes for another processor than this one.
OVERRULED = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}


def result(shapes: list[list[int]], rounds: int, seconds: float) -> dict[str, Any]:
    """Make the products, measure, and everything that is committed."""
    with tempfile.TemporaryDirectory(prefix="edgedigits-limit-") as folder:
        macs = apart("products", folder, json.dumps(shapes))
        measured = []
        for _ in range(rounds):
            for engine in ("numpy", *installed_engines()):
                measured += apart("probe", folder, engine, json.dumps(shapes), str(seconds))
    details = joined(measured)
    found = limits(details)
    model = {"name": "models/small.keras", "macs": macs}
    model |= {f"{precision}_us": round(limit_us(found, precision, macs), 2) for precision in PRECISIONS}
    return {
        "schema": SCHEMA,
        "bundle": Bundle.load().id,
        "machine": to_plain(describe_machine()),
        "versions": {name: version(name) for name in ("edgedigits", "numpy")}
        | {engine: version(ENGINES[engine].package.replace("_", "-")) for engine in installed_engines()},
        "processes": rounds,
        **found,
        "model": model,
        "details": details,
    }


def apart(script: str, *words: str) -> Any:
    """The JSON that one of this folder's scripts prints last, in a process of its own with one BLAS thread."""
    environment = {name: value for name, value in os.environ.items() if name not in OVERRULED}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    command = [sys.executable, str(HERE / f"{script}.py"), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(words)}: exit code {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def joined(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What multiplied what, with the median over processes, the lowest and the highest."""
    by_product = defaultdict(list)
    for row in measured:
        by_product[json.dumps({key: value for key, value in row.items() if key != "gmacs"})].append(row["gmacs"])
    return [
        json.loads(product)
        | {name: float(f"{of(values):.4g}") for name, of in (("gmacs", median), ("low", min), ("high", max))}
        for product, values in by_product.items()
    ]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="one product, in one process each: does it work?")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="benchmarks/results/limit.json")
    args = parser.parse_args()
    values = result(SMALLEST, 1, 0) if args.smallest else result(SHAPES, ROUNDS, SECONDS)
    write_atomic(args.output, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())
    print(limit_table(values))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
