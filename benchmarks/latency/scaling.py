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

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped, progress
from benchmarks.harness.child import run_child
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from benchmarks.harness.spread import spread_rows
from benchmarks.latency.drawn_photographs import write_photographs
from benchmarks.latency.scaling_picture import draw_scaling
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
_SIDES = 4  # the sizes of pictures in the table, enough to show the trend
_STAGES = ("decode", "preprocess", "infer")


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
    return describe_shipped(["edgedigits", "numpy", "pillow", *installed_engines()]) | {
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


def scaling_table(result: Result) -> str:
    """Lay out two short tables, and what was measured on what."""
    note = (
        f"Multiples of a batch of one, and µs an image; medians over {result['processes']} processes; one thread where "
        "no number says otherwise. MMAC: "
        f"million multiplications with addition, the model itself has {min(result['macs'].values()) / 1e6:.1f}, wider "
        f"ones more. Pictures are squares, through `classify` of bundle `{result['bundle'][:12]}`; the array is grey, "
        f"the files are in colour. {versions_phrase(result['versions'])}; {machine_phrase(result['machine'])}."
    )
    return f"{_engines(result)}\n\n{_pictures(result['images'], note)}"


def _engines(result: Result) -> str:
    """Return the table of the engines: batches of the model, wider models, and threads of the widest one."""
    batches = sorted({row["batch"] for row in result["batch"]})
    threads = sorted({row["threads"] for row in result["threads"]})
    millions = {int(width): macs / 1e6 for width, macs in result["macs"].items()}
    widest = max(millions)
    one = {"how": "classify_batch", "batch": batches[0]}
    # What to look for in which series: the columns, from left to right.
    columns = {
        f"batch of {batches[-1]:,}": ("batch", {"how": "classify_batch", "batch": batches[-1]}),
        f"bare, of {batches[-1]:,}": ("batch", {"how": "bare", "batch": batches[-1]}),
    }
    columns |= {f"{count:.1f} MMAC": ("width", {"width": width}) for width, count in millions.items() if width > 1}
    columns |= {
        f"{millions[widest]:.1f} MMAC, {count} threads": ("threads", {"width": widest, "threads": count})
        for count in dict.fromkeys((threads[1], threads[-1]))
    }
    rows = []
    for engine, precision in dict.fromkeys((row["engine"], row["precision"]) for row in result["batch"]):
        line = {"engine": engine, "precision": precision}
        base = _us(result["batch"], line | one)
        ratios = (f"{_us(result[series], line | wanted) / base:,.2f}" for series, wanted in columns.values())
        rows.append([engine, precision, *ratios, _figure(base)])
    return markdown_table(["engine", "file", *columns, f"batch of {batches[0]}, µs"], "llr", rows)


def _pictures(rows: list[dict[str, Any]], note: str) -> str:
    """Lay out where the time goes, by source and size."""
    sources = list(dict.fromkeys(row["source"] for row in rows))
    sides = sorted({row["side"] for row in rows})
    if len(sides) > _SIDES:
        sides = [sides[round(i * (len(sides) - 1) / (_SIDES - 1))] for i in range(_SIDES)]
    cells = [
        [
            f"{side:,}",
            *(
                " + ".join(_figure(_us(rows, {"source": source, "side": side, "stage": stage})) for stage in _STAGES)
                for source in sources
            ),
        ]
        for side in sides
    ]
    return markdown_table(
        ["pixels a side", *(f"{source}: {', '.join(_STAGES)}" for source in sources)], "r", cells, note
    )


def _us(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> float:
    return float(next(row["us"] for row in rows if wanted.items() <= row.items()))


def _figure(us: float) -> str:
    return f"{us:.1f}" if us < 100 else f"{us:,.0f}"


BENCHMARK = Benchmark(
    "scaling", "How does the cost grow with batch, picture, threads and model?", measure, scaling_table, draw_scaling
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
