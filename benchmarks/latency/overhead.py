"""What edgedigits itself costs beside hand-written code for the same engine, file and picture.

Both are measured in turns inside fresh processes of an environment that has the wheel as users install it; published
are the median of each process's ratio and its interval.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.harness.benchmark import Benchmark, Result, describe
from benchmarks.harness.child import ROOT, run_child
from benchmarks.harness.dots import Dot, draw_dots
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from benchmarks.harness.spread import ratio_ci95
from benchmarks.harness.venvs import project_venv
from benchmarks.latency.drawn_photographs import write_photographs
from edgedigits.bundle import Bundle
from edgedigits.engines import installed_engines
from edgedigits.files import cache_folder

SCRIPTS = Path(__file__).parent / "workers"
DIGITS = str(ROOT / "tests" / "data" / "digits.npz")
DEFAULT = "litert"
SIDE = 3464  # of 12 megapixels
# The question, and the goal: at most so many times, or at least.
QUESTIONS = {
    "calls": ("`classify(28×28 uint8)` and its digit", "≤ 1.5"),
    "batch": ("`classify_batch` of 1,000", "≤ 1.05"),
    "start": ("`edgedigits classify x.png`, start to exit", "≤ 1.15"),
    "photograph": ("12-megapixel JPEG to its digit", "≤ 1.15"),
    "memory": ("most memory", "≤ 1.1"),
    "threads": ("8 threads share one `classify`", "≥ 0.9"),
    "threads, tens": ("the same, ten images a call of `classify_batch`", "≥ 0.9"),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """Where and how long to measure: the Python that has the wheel, fresh processes, seconds in each."""

    python: str
    processes: int
    seconds: float

    def both(self, what: str, engine: str, *words: str) -> dict[str, Any]:
        """Measure both sides in each process; of several ways to write it by hand, the fastest counts."""
        found = self._probe(what, engine, *words)
        best = min(found[0]["theirs"], key=lambda name: float(np.median([one["theirs"][name] for one in found])))
        ours, theirs = [one["ours"] for one in found], [one["theirs"][best] for one in found]
        return _row(what, engine, "µs", best, ours, theirs)

    def start(self, picture: Path) -> dict[str, Any]:
        """Measure both from the start of their process to its end, in turns."""
        bundle = Bundle.load()
        script, model = SCRIPTS / "overhead_by_hand.py", bundle.path / bundle.pick("int8", ["tflite"]).path
        commands = (
            [str(Path(self.python).with_name("edgedigits")), "classify", str(picture), "--json"],
            [self.python, str(script), str(model), str(picture)],
        )
        ours, theirs = zip(*([_milliseconds(one) for one in commands] for _ in range(2 * self.processes)), strict=True)
        return _row("start", DEFAULT, "ms", "a script of ten lines", ours, theirs)

    def memory(self, engine: str, picture: Path) -> dict[str, Any]:
        """Measure the peak memory of processes of both sides."""
        ours, theirs = (
            [one["mb"] for one in self._probe("memory", engine, side, str(picture))] for side in ("ours", "theirs")
        )
        return _row("memory", engine, "MB", "numpy, Pillow, the engine and the model", ours, theirs)

    def threads(self, what: str, engine: str, at_once: int) -> dict[str, Any]:
        """Measure eight threads, with so many images a call, and count wrong outputs."""
        found = self._probe("threads", engine, DIGITS, str(at_once))
        ours, theirs = [one["ours"] for one in found], [one["theirs"] for one in found]
        row = _row(what, engine, "images a second", "8 bare interpreters", ours, theirs)
        return row | {"wrong": sum(one["wrong"] for one in found)}

    def _probe(self, what: str, engine: str, *words: str) -> list[Any]:
        words = (what, engine, str(self.seconds), *words)
        script = SCRIPTS / "overhead_probe.py"
        return [run_child(script, *words, python=self.python) for _ in range(self.processes)]


def measure(args: argparse.Namespace) -> Result:
    """Measure every question; the smallest run takes one short process each, in this Python."""
    engines = installed_engines()
    if args.smallest:
        measurement = Measurement(sys.executable, 1, 0)
    else:
        measurement = Measurement(project_venv(cache_folder() / "overhead", extras="[litert,onnx,tflite]"), 10, 1)
    with tempfile.TemporaryDirectory(prefix="edgedigits-overhead-") as folder:
        rows = list(_rows(measurement, Path(folder), engines))
    named = describe([*engines, "numpy", "pillow", "edgedigits"], measurement.python)
    return named | {"processes": measurement.processes, "rows": rows}


def _rows(measurement: Measurement, folder: Path, engines: list[str]) -> Iterator[dict[str, Any]]:
    ready, photograph = folder / "x.png", folder / f"{SIDE}.jpeg"
    with np.load(DIGITS) as digits:
        digit = digits["images"][0, ..., 0]
    Image.fromarray(digit).save(ready)
    write_photographs(folder, digit, [SIDE])
    for what in ("calls", "batch"):
        yield from (measurement.both(what, engine, DIGITS) for engine in engines)
    if DEFAULT in engines:  # whose script is written by hand
        yield measurement.start(ready)
    yield measurement.both("photograph", engines[0], str(photograph))
    yield measurement.memory(engines[0], ready)
    yield measurement.threads("threads", engines[0], 1)
    yield measurement.threads("threads, tens", engines[0], 10)


def _row(what: str, engine: str, unit: str, against: str, ours: Any, theirs: Any) -> dict[str, Any]:
    medians = {"ours": float(np.median(ours)), "theirs": float(np.median(theirs))}
    return {"what": what, "engine": engine, "unit": unit, "against": against, **medians, **ratio_ci95(ours, theirs)}


def _milliseconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1e3


def overhead_table(result: Result) -> str:
    """Lay out what was measured against what, both figures, their ratio and the goal."""
    rows = []
    for row in result["rows"]:
        question, goal = QUESTIONS[row["what"]]
        low, high = row["ratio_ci95"]
        wrong = f", {row['wrong']} wrong answers" if "wrong" in row else ""
        rows.append([
            question, row["engine"], f"{row['against']}{wrong}", _figure(row["ours"]),
            f"{_figure(row['theirs'])} {row['unit']}", f"{row['ratio']:.3f} ({low:.3f}-{high:.3f})", goal,
        ])  # fmt: skip
    note = (
        f"Same file, engine and picture, in turns in one process, one thread; medians over {result['processes']} "
        f"processes of each process's ratio. Bundle `{result['bundle'][:12]}`; {versions_phrase(result['versions'])}; "
        f"{machine_phrase(result['machine'])}."
    )
    head = ("what", "engine", "against", "ours", "theirs", "ratio (95 % interval)", "goal")
    return markdown_table(head, "lllr", rows, note)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def draw_overhead(result: Result) -> bytes:
    """Draw ratios with their intervals, and each one's goal as a bar."""
    dots = []
    for row in result["rows"]:
        question, goal = QUESTIONS[row["what"]]
        label, (low, high) = f"{question.replace('`', '')} ({row['engine']})", row["ratio_ci95"]
        dots.append(Dot(label, row["ratio"], low, high, row["engine"], float(goal.split()[1])))
    return draw_dots(dots, "ours by theirs; the bar is the goal: at most, for threads at least")


BENCHMARK = Benchmark(
    "overhead", "What does edgedigits cost beside code written by hand?", measure, overhead_table, draw_overhead
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
