"""How often `compare` calls a change where there is none, and how often it finds one that was planted.

The shipped model is measured beside a copy of itself, and beside one that waits for a tenth of every inference, in
rounds of fresh processes. Every comparison is made twice: of files measured in turns, and of one run with the next one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped, progress
from benchmarks.harness.child import ROOT
from benchmarks.harness.markdown import markdown_table
from benchmarks.latency.slowed_worker import SHARE, SLOWED
from edgedigits.bundle import Bundle
from edgedigits.engines import choose_engine
from edgedigits.input_shapes import InputShape
from edgedigits.measure.compare import LEVEL, Change, compare_results, compare_rows, medians_us
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.result import Result as Run
from edgedigits.measure.rounds import Plan, measure_rounds
from edgedigits.verification.statistics import wilson

FILES = ("first.tflite", "same.tflite", SLOWED)
COMPARISONS, PLAN = 100, Plan(10, 0.1, worker="benchmarks.latency.slowed_worker")
SMALLEST, SMALLEST_PLAN = 1, replace(PLAN, processes=8, seconds=0)
_HOW = {"in_turns": "in turns, in one run", "apart": "one run after the other"}
_HEAD = ("measured", "files", "comparisons", "called a change", "95 % interval", "called slower", "ratio", "interval")


def measure(args: argparse.Namespace) -> Result:
    """Measure, compare, count."""
    # `bench` starts its worker by name, wherever it is run itself.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    count, plan = (SMALLEST, SMALLEST_PLAN) if args.smallest else (COMPARISONS, PLAN)
    began = time.perf_counter()
    runs = list(_runs(plan, count + 1))  # one more: each run's first file is compared with the next run's
    seconds = (time.perf_counter() - began) / len(runs)
    return describe_shipped(["edgedigits"]) | _counted(runs, seconds, plan)


def _runs(plan: Plan, count: int) -> Iterator[Run]:
    bundle = Bundle.load()
    file = bundle.pick("int8", ["tflite"])
    engine = choose_engine("auto", "tflite")[0]
    with tempfile.TemporaryDirectory(prefix="edgedigits-false-positives-") as folder:
        asked, shapes = [], (InputShape(file.image.name, file.image.shape),)
        for name in FILES:
            path = Path(shutil.copy(bundle.path / file.path, Path(folder) / name))
            asked.append(
                Configuration(str(path), name, file.bytes, file.sha256, None, None, engine, 1, {}, 1, shapes, None)
            )
        for number in range(count):
            progress(f"run {number + 1} of {count}")
            yield measure_rounds(asked, plan, lambda _: None)[0]


def _counted(runs: list[Run], seconds: float, plan: Plan) -> dict[str, Any]:
    """Return counts with their intervals, and what they are counts of."""
    in_turns = [compare_rows(run) for run in runs[:-1]]
    one_after_another = [[_compare_runs(old, new, row) for row in (1, 2)] for old, new in pairwise(runs)]
    return {
        "engine": f"{runs[0].rows[0].configuration.engine} {runs[0].rows[0].version}",
        "edgedigits": runs[0].edgedigits,
        "level": LEVEL,
        "planted": SHARE,
        "processes": plan.processes,
        "seconds_a_process": plan.seconds,
        "seconds_a_comparison": seconds * 2 / len(FILES),
        **{
            how: {"same": _counts([same for same, _ in pairs]), "slowed": _counts([slowed for _, slowed in pairs])}
            for how, pairs in (("in_turns", in_turns), ("apart", one_after_another))
        },
        "medians_us": [[np.round(medians_us(row.processes), 3).tolist() for row in run.rows] for run in runs],
    }


def _compare_runs(old: Run, new: Run, row: int) -> Change:
    """Compare the first file of one run with another of the next."""
    return compare_results(replace(old, rows=old.rows[:1]), replace(new, rows=new.rows[row : row + 1]))[0]


def _counts(changes: list[Change]) -> dict[str, Any]:
    count = len(changes)
    called = sum(change.verdict != "no difference seen" for change in changes)
    slower = sum(change.verdict == "slower" for change in changes)
    half = [(change.ratio_ci99[1] - change.ratio_ci99[0]) / 2 for change in changes]
    return {
        "count": count, "called_a_change": called, "called_ci95": wilson(called, count), "called_slower": slower,
        "slower_ci95": wilson(slower, count), "median_ratio": float(np.median([change.ratio for change in changes])),
        "median_half_width": float(np.median(half)),
    }  # fmt: skip


def false_positives_table(result: Result) -> str:
    """Lay out false positives and planted slowdowns, with their intervals."""
    rows = []
    for key, how in _HOW.items():
        for which, title in (("same", "the same"), ("slowed", f"a wait of {result['planted']:.0%} planted")):
            found = result[key][which]
            low, high = (100 * share for share in found["called_ci95"])
            rows.append([
                how, title, found["count"], found["called_a_change"], f"{low:.1f}-{high:.1f} %",
                found["called_slower"], f"{found['median_ratio']:.3f}", f"±{100 * found['median_half_width']:.1f} %",
            ])  # fmt: skip
    machine = result["machine"]
    note = (
        f"Level {1 - result['level']:.0%}; {result['processes']} processes of {result['seconds_a_process']:g} s each, "
        f"{result['seconds_a_comparison']:.1f} s a comparison with all its measuring; ratio and interval are medians. "
        f"{result['engine']}, edgedigits {result['edgedigits']}; {machine['board'] or machine['cpu']}, "
        f"{machine['cores']} cores, a shared virtual machine."
    )
    return markdown_table(_HEAD, "llr", rows, note)


BENCHMARK = Benchmark("false_positives", "How often does `edgedigits compare` err?", measure, false_positives_table)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
