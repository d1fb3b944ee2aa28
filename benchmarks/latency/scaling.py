"""How does the cost grow with batch, picture, threads and model? Measured in fresh processes, in turn.

Each point is the median over processes of the median within one; rounds go through all engines, so that a slow minute
of the machine meets all of them alike.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.benchmark import Benchmark, Result, describe, progress
from benchmarks.harness.child import run_child
from benchmarks.harness.spread import spread_rows
from benchmarks.latency.scaling_photographs import write_photographs
from benchmarks.latency.scaling_picture import draw_scaling
from benchmarks.latency.scaling_table import scaling_table
from edgedigits import DigitClassifier
from edgedigits.bundle import Bundle
from edgedigits.engines import installed_engines

PRECISIONS = ("int8", "float32")
FULL = {
    "batches": [1, 4, 16, 64, 256, 1024],
    "sides": [28, 64, 128, 256, 512, 1000, 2000, 4000],
    "threads": [1, 2, 4, 8],
    "widths": [1, 2, 4, 8],
}
SMALLEST = {"batches": [1, 4], "sides": [28, 64], "threads": [1, 2], "widths": [1, 2]}
ROUNDS, SECONDS = 5, 0.1


def measure(args: argparse.Namespace) -> Result:
    """Make models and pictures, then measure every engine, precision and picture in rounds."""
    plan, rounds, seconds = (SMALLEST, 1, 0.0) if args.smallest else (FULL, ROUNDS, SECONDS)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edgedigits-scaling-") as folder:
        macs = run_child("benchmarks.latency.scaling_models", folder, json.dumps(plan["widths"]))
        write_photographs(Path(folder), plainest_digit(), plan["sides"])
        words = (folder, json.dumps(plan), str(seconds))
        measured = []
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for chosen in [*product(installed_engines(), PRECISIONS), ()]:
                measured += run_child("benchmarks.latency.scaling_probe", *words, *chosen)
    return describe(["edgedigits", "numpy", "pillow", *installed_engines()]) | {
        "processes": rounds,
        "seconds": round(time.monotonic() - started),
        "macs": macs,
        **_series(measured),
    }


def plainest_digit() -> NDArray[np.uint8]:
    """Return the golden input that is classified most surely, uint8 ``[28, 28]``; some are between two digits."""
    images = Bundle.load().golden().images
    with DigitClassifier() as classifier:
        plainest = classifier.classify_batch(images).max(axis=1).argmax()
    return images[plainest, ..., 0]


def _series(measured: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in spread_rows(measured, "us"):
        found[row.pop("series")].append(row)
    return found


BENCHMARK = Benchmark(
    "scaling", "How does the cost grow with batch, picture, threads and model?", measure, scaling_table, draw_scaling
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
