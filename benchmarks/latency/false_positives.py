"""How often `compare` calls a change where there is none, and how often it finds one that was planted.

`python benchmarks/alarms/run.py [--comparisons 100] [-o FILE]`: the shipped model beside a copy of itself, and beside
one that waits for a tenth of every inference, in rounds of fresh processes. Every comparison is made twice: of files
measured in turns, and of one run with the next one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from slowed_worker import SHARE, SLOWED

from edgedigits.bundle import Bundle
from edgedigits.engines import choose_engine
from edgedigits.files import write_atomic
from edgedigits.measure.compare import LEVEL, Change, compare_results, compare_rows, medians_us
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.machine import describe_machine
from edgedigits.measure.result import Result
from edgedigits.measure.rounds import Plan, measure_rounds
from edgedigits.records import to_plain
from edgedigits.verification.statistics import wilson

HERE = Path(__file__).parent
RESULT = HERE.parent / "results" / "alarms.json"
FILES = ("first.tflite", "same.tflite", SLOWED)


def main() -> int:
    """Measure, compare, count, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=100)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("-o", "--output", type=Path, default=RESULT)
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    plan = Plan(args.processes, args.seconds, worker="slowed_worker")
    began = time.perf_counter()
    runs = list(_runs(plan, args.comparisons + 1))  # one more: each run's first file is compared with the next run's
    seconds = (time.perf_counter() - began) / len(runs)
    write_atomic(args.output, (json.dumps(_told(runs, seconds, plan), indent=1) + "\n").encode())
    return 0


def _runs(plan: Plan, count: int) -> Iterator[Result]:
    bundle = Bundle.load()
    file = bundle.pick("int8", ["tflite"])
    engine = choose_engine("auto", "tflite")[0]
    with tempfile.TemporaryDirectory(prefix="edgedigits-alarms-") as folder:
        asked = []
        for name in FILES:
            path = Path(shutil.copy(bundle.path / file.path, Path(folder) / name))
            asked.append(Configuration(str(path), name, file.bytes, file.sha256, None, None, engine, 1, {}, 1, None))
        for number in range(count):
            print(f"run {number + 1} of {count}", file=sys.stderr, flush=True)
            yield measure_rounds(asked, plan, lambda _: None)[0]


def _told(runs: list[Result], seconds: float, plan: Plan) -> dict[str, Any]:
    """Counts with their intervals, and what they are counts of."""
    turns = [compare_rows(run) for run in runs[:-1]]
    same = [changes[0] for changes in turns]
    slowed = [changes[1] for changes in turns]
    apart = [_apart(old, new, 1) for old, new in pairwise(runs)]
    apart_slowed = [_apart(old, new, 2) for old, new in pairwise(runs)]
    return {
        "question": "how often does `edgedigits compare` err?",
        "machine": to_plain(describe_machine()),
        "engine": f"{runs[0].rows[0].configuration.engine} {runs[0].rows[0].version}",
        "edgedigits": runs[0].edgedigits,
        "level": LEVEL,
        "planted": SHARE,
        "processes": plan.processes,
        "seconds_a_process": plan.seconds,
        "seconds_a_comparison": seconds * 2 / len(FILES),
        "in_turns": {"same": _counts(same), "slowed": _counts(slowed)},
        "apart": {"same": _counts(apart), "slowed": _counts(apart_slowed)},
        "medians_us": [[np.round(medians_us(row.processes), 3).tolist() for row in run.rows] for run in runs],
    }


def _apart(old: Result, new: Result, row: int) -> Change:
    """The first file of one run with another of the next."""
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


if __name__ == "__main__":
    raise SystemExit(main())
