"""How does the cost grow with batch, picture, threads and model? Measured in fresh processes, in turn.

`python benchmarks/scaling/run.py [--smallest] [-o FILE] [--picture FILE]`. Each point is the median over processes of
the median within one; rounds go through all engines, so that a slow minute of the machine meets all of them alike.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from panels import draw_scaling
from photographs import write_photographs
from table import scaling_table

from edgedigits import DigitClassifier
from edgedigits.bundle import Bundle
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.files import write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain

SCHEMA = 1
HERE = Path(__file__).parent
RESULT = HERE.parent / "results" / "scaling.json"
PRECISIONS = ("int8", "float32")
FULL = {
    "batches": [1, 4, 16, 64, 256, 1024],
    "sides": [28, 64, 128, 256, 512, 1000, 2000, 4000],
    "threads": [1, 2, 4, 8],
    "widths": [1, 2, 4, 8],
}
SMALLEST = {"batches": [1, 4], "sides": [28, 64], "threads": [1, 2], "widths": [1, 2]}
ROUNDS, SECONDS = 5, 0.1


def result(plan: dict[str, list[int]], rounds: int, seconds: float) -> dict[str, Any]:
    """Make the files, measure, and everything that is committed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edgedigits-scaling-") as name:
        folder = Path(name)
        macs = apart("widths", name, json.dumps(plan["widths"]))
        write_photographs(folder, plainest_digit(), plan["sides"])
        measured = []
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            for engine, precision in product(installed_engines(), PRECISIONS):
                measured += apart("probe_engine", name, engine, precision, json.dumps(plan), str(seconds))
            measured += apart("probe_images", name, json.dumps(plan["sides"]), str(seconds))
    return {
        "schema": SCHEMA,
        "bundle": Bundle.load().id,
        "machine": to_plain(describe_machine()),
        "versions": {name: version(name) for name in ("edgedigits", "numpy", "pillow")}
        | {engine: version(ENGINES[engine].package.replace("_", "-")) for engine in installed_engines()},
        "processes": rounds,
        "seconds": round(time.monotonic() - started),
        "macs": macs,
        **series(measured),
    }


def plainest_digit() -> NDArray[np.uint8]:
    """Of the bundle's golden inputs, some of which are between two digits, the one answered most surely."""
    images = Bundle.load().golden().images
    with DigitClassifier() as classifier:
        plainest = classifier.classify_batch(images).max(axis=1).argmax()
    return images[plainest, ..., 0]


def apart(script: str, *words: str) -> Any:
    """The JSON that one of this folder's scripts prints last, in a process of its own."""
    command = [sys.executable, str(HERE / f"{script}.py"), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(words)}: exit code {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def series(measured: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Points by series: what was measured, with the median over processes, the lowest and the highest."""
    by_point = defaultdict(list)
    for row in measured:
        by_point[tuple((key, value) for key, value in row.items() if key != "us")].append(row["us"])
    found = defaultdict(list)
    for point, values in by_point.items():
        told = dict(point)
        spread = {"us": median(values), "low": min(values), "high": max(values)}
        found[told.pop("series")].append(told | {key: float(f"{us:.4g}") for key, us in spread.items()})
    return found


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a few points in one process each: does it work?")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="benchmarks/results/scaling.json")
    parser.add_argument("--picture", type=Path, help="draw it, too, e.g. docs/scaling.svg")
    args = parser.parse_args()
    values = result(SMALLEST, 1, 0) if args.smallest else result(FULL, ROUNDS, SECONDS)
    write_atomic(args.output, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())
    if args.picture:
        write_atomic(args.picture, draw_scaling(values))
    print(scaling_table(values))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
