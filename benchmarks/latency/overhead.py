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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped
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
# Each question with its goal as a ratio, an upper or a lower limit.
QUESTIONS = {
    "calls": ("`classify(28×28 uint8)` and its digit", "≤ 1.5"),
    "batch": ("`classify_batch` of 1,000", "≤ 1.05"),
    "start": ("`edgedigits classify x.png`, start to exit", "≤ 1.15"),
    "photograph": ("12-megapixel JPEG to its digit", "≤ 1.15"),
    "memory": ("most memory", "≤ 1.1"),
    "threads": ("8 threads share one `classify`", "≥ 0.9"),
    "threads, tens": ("the same, ten images a call of `classify_batch`", "≥ 0.9"),
}


# Takes the question, the engine and further words; returns the figures of each process: one of ours, and one for each
# way to write it by hand.
Probe = Callable[..., list[dict[str, Any]]]


def measure(args: argparse.Namespace) -> Result:
    """Measure every question; the smallest run takes one short process each, in this Python."""
    python, processes, seconds = sys.executable, 1, 0
    if not args.smallest:
        python, processes, seconds = project_venv(cache_folder() / "overhead", extras="[litert,onnx,tflite]"), 10, 1

    def probe(what: str, engine: str, *words: str) -> list[dict[str, Any]]:
        command = (what, engine, str(seconds), *words)
        return [run_child(SCRIPTS / "overhead_probe.py", *command, python=python) for _ in range(processes)]

    engines = installed_engines()
    with tempfile.TemporaryDirectory(prefix="edgedigits-overhead-") as folder:
        rows = list(_rows(probe, python, 2 * processes, Path(folder), engines))
    return describe_shipped([*engines, "numpy", "pillow", "edgedigits"], python) | {
        "processes": processes,
        "rows": rows,
    }


def _rows(probe: Probe, python: str, starts: int, folder: Path, engines: list[str]) -> Iterator[dict[str, Any]]:
    ready, photograph = str(folder / "x.png"), str(folder / f"{SIDE}.jpeg")
    with np.load(DIGITS) as digits:
        digit = digits["images"][0, ..., 0]
    Image.fromarray(digit).save(ready)
    write_photographs(folder, digit, [SIDE])
    first = engines[0]
    for what in ("calls", "batch"):
        yield from (_row(what, engine, "µs", probe(what, engine, DIGITS)) for engine in engines)
    if DEFAULT in engines:  # whose script is written by hand
        yield _row("start", DEFAULT, "ms", [_start(python, ready) for _ in range(starts)])
    yield _row("photograph", first, "µs", probe("photograph", first, photograph))
    ours, theirs = (probe("memory", first, side, ready) for side in ("ours", "theirs"))
    yield _row("memory", first, "MB", [one | other for one, other in zip(ours, theirs, strict=True)])
    for what, at_once in (("threads", 1), ("threads, tens", 10)):
        yield _row(what, first, "images a second", probe("threads", first, DIGITS, str(at_once)))


def _start(python: str, picture: str) -> dict[str, Any]:
    """Return milliseconds from the start of a process to its end."""
    bundle = Bundle.load()
    model = bundle.path / bundle.pick("int8", ["tflite"]).path
    ours = [str(Path(python).with_name("edgedigits")), "classify", picture, "--mnist", "--json"]
    hand = [python, str(SCRIPTS / "overhead_by_hand.py"), str(model), picture]
    return {"ours": _milliseconds(ours), "theirs": {"a script of ten lines": _milliseconds(hand)}}


def _milliseconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1e3


def _row(what: str, engine: str, unit: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Join what processes found; of several ways to write it by hand, the fastest over all counts."""
    best = min(found[0]["theirs"], key=lambda name: float(np.median([one["theirs"][name] for one in found])))
    ours, theirs = [one["ours"] for one in found], [one["theirs"][best] for one in found]
    medians = {"ours": float(np.median(ours)), "theirs": float(np.median(theirs))}
    row = {"what": what, "engine": engine, "unit": unit, "against": best, **medians, **ratio_ci95(ours, theirs)}
    return row | ({"wrong": sum(one["wrong"] for one in found)} if "wrong" in found[0] else {})


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
