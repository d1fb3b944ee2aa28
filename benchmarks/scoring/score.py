"""Pictures a second of `edgedigits score`, beside the same written by hand, here and on Ray.

Every way has an archive and a hundredth of it, in turns; the rate is that of what the whole has more, so that starting
does not count. Ways take turns, too.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped, progress
from benchmarks.harness.child import ROOT
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from benchmarks.latency.drawn_photographs import photograph
from edgedigits.datasets import load_splits
from edgedigits.images.decode import read_pixels

PACKAGES = ("edgedigits", "numpy", "pillow", "ai-edge-litert", "pyarrow", "ray")
SIDE = 1_024  # of a photograph
PART = 100  # the small archive is so small a part
GOAL, RAY_GOAL = 0.95, 0.9


@dataclass(frozen=True, slots=True)
class Way:
    """One way to score: its words for a command line, and what it is compared with."""

    name: str
    words: tuple[str, ...]
    beside: str | None = None
    goal: float = GOAL


_OURS, _HAND = ("-m", "edgedigits.cli.main", "score"), ("-m", "benchmarks.scoring.by_hand")
LOOP, RAY, RAYS = "a loop by hand", "Ray by hand, 1 worker", "Ray by hand, 2 workers"
WAYS = (
    Way(LOOP, (*_HAND, "loop", "1")),
    Way("`score`, 1 process", (*_OURS, "--workers", "1"), LOOP),
    Way("`score`, 2 processes", (*_OURS, "--workers", "2")),
    Way(RAY, (*_HAND, "ray", "1")),
    Way("`score --ray local`, 1 worker", (*_OURS, "--ray", "local", "--workers", "1"), RAY),
    Way(RAYS, (*_HAND, "ray", "2")),
    Way("`score --ray local`, 2 workers", (*_OURS, "--ray", "local", "--workers", "2"), RAYS, RAY_GOAL),
)
# Pictures, and how many times each way gets them.
SETS = {"ready arrays": (10_000_000, 1), "small PNG files": (100_000, 3), "photographs": (5_000, 3)}
SMALLEST = {"ready arrays": (2_000, 1), "small PNG files": (200, 1), "photographs": (20, 1)}


def measure(args: argparse.Namespace) -> Result:
    """Measure all ways on all sets."""
    digits = load_splits("mnist", read_pixels).train.images[..., 0]
    rows = []
    for name, (count, times) in (SMALLEST if args.smallest else SETS).items():
        with tempfile.TemporaryDirectory(prefix="edgedigits-score-", dir=args.folder) as place:
            rows += _measured(
                name, digits, round(count * args.share), Path(place), WAYS[:2] if args.smallest else WAYS, times
            )
    return describe_shipped(PACKAGES) | {"rows": rows}


def _measured(
    name: str, digits: NDArray[np.uint8], count: int, folder: Path, ways: Sequence[Way], times: int
) -> list[dict[str, Any]]:
    """Measure all ways on one set, in turns."""
    few = max(1, count // PART)
    whole, part = (_make(name, digits, number, folder / str(number)) for number in (count, few))
    rows = []
    for turn, way in ((turn, way) for turn in range(times) for way in ways):
        progress(f"{name}, turn {turn + 1}: {way.name}")
        seconds, peak = _run(way, whole, folder)
        less, _ = _run(way, part, folder)
        rate = (count - few) / max(seconds - less, 1e-9)
        figures = {"seconds": round(seconds, 2), "start": round(less, 2), "rate": round(rate, 1)}
        rows.append({"set": name, "count": count, "way": way.name, **figures, "peak_mb": round(peak / 1e6)})
    return rows


def _make(name: str, digits: NDArray[np.uint8], count: int, place: Path) -> Path:
    """Write an archive: digits of MNIST for training, again and again."""
    if name == "ready arrays":
        file = place.with_suffix(".npy")
        array: NDArray[np.uint8] = np.lib.format.open_memmap(file, "w+", np.uint8, (count, 28, 28))  # type: ignore[no-untyped-call]
        for at in range(0, count, len(digits)):
            array[at : at + len(digits)] = digits[: count - at]
        return file
    place.mkdir()
    for at in range(min(count, 1_000)):
        pixels = digits[at] if name == "small PNG files" else photograph(digits[at], SIDE)
        picture = Image.fromarray(pixels)
        file = place / f"{at:06}.{'png' if name == 'small PNG files' else 'jpg'}"
        picture.save(file) if name == "small PNG files" else picture.convert("RGB").save(file, quality=93)
    for at in range(1_000, count):
        (place / f"{at:06}{file.suffix}").hardlink_to(place / f"{at % 1_000:06}{file.suffix}")
    return place


def _run(way: Way, archive: Path, folder: Path) -> tuple[float, int]:
    """Return the seconds that a way takes, and the most memory that its processes have at a time, in bytes."""
    output = folder / "out"
    words = [archive, "-o", output] if "score" in way.words else [archive, output]
    command = [sys.executable, *way.words, *map(str, words)]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = _Peak(process.pid)
    _, said = process.communicate()
    seconds = time.monotonic() - started
    shutil.rmtree(output, ignore_errors=True)
    if process.returncode:
        raise SystemExit(f"{way.name}: {said}")
    return seconds, peak.end()


class _Peak:
    """Looks at the memory of a process and all below it, twice a second, until it is told to end."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> int:
        self._done.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._done.wait(0.5):
            self._most = max(self._most, sum(map(_pss, _tree(self._pid))))


def _tree(pid: int) -> list[int]:
    try:
        below = [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(one for child in below for one in _tree(child))]


def _pss(pid: int) -> int:
    """Return a process's share of memory, without files that are mapped, such as the archive."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon", "Pss_Shmem")))


def _medians(result: Result) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        found.setdefault((row["set"], row["way"]), []).append(row)
    return {
        key: {"count": rows[0]["count"], "times": len(rows), "peak_mb": max(row["peak_mb"] for row in rows)}
        | {name: statistics.median(row[name] for row in rows) for name in ("rate", "start")}
        for key, rows in found.items()
    }


def shares(result: Result) -> dict[tuple[str, str], float]:
    """Return our rate as a share of that by hand, for each set and way that has one: the median over the turns."""
    found = {}
    for way in WAYS:
        for name in dict.fromkeys(row["set"] for row in result["rows"]):
            ours, theirs = ([row["rate"] for row in result["rows"] if (row["set"], row["way"]) == (name, one)]
                            for one in (way.name, way.beside))  # fmt: skip
            if ours and theirs:
                found[name, way.name] = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    return found


def score_table(result: Result) -> str:
    """Lay out pictures a second, the share of what is written by hand, memory, and the start."""
    beside, rows = shares(result), []
    for (name, way), found in _medians(result).items():
        share = f"{beside[name, way]:.2f}" if (name, way) in beside else "–"
        figures = f"{found['rate']:,.0f}", share, f"{found['peak_mb']:,}", f"{found['start']:.1f}"
        rows.append((f"{found['count']:,} {name}", way, *figures))
    head = ("archive", "scored by", "pictures a second", "share of by hand", "peak MB", "seconds for a hundredth")
    times = " ".join(
        f"{name}: {found['times']} turns." for (name, way), found in _medians(result).items() if way == LOOP
    )
    note = (
        f"Medians; {times} Rates are of what the whole archive has more than its hundredth, so that starting does not "
        "count. Memory of all processes together, mapped files left out. Photographs are drawn, "
        f"{SIDE} x {SIDE} pixels, JPEG. {machine_phrase(result['machine'])}; {versions_phrase(result['versions'])}. "
        "Measured by `python -m benchmarks.scoring.score`, written by `make readme`."
    )
    return markdown_table(head, "llr", rows, note)


def faults(result: Result) -> Sequence[str]:
    """Return the goals that were missed."""
    goals = {way.name: way.goal for way in WAYS}
    return [
        f"{name}, {way}: {share:.2f} of what is written by hand, at least {goals[way]} is the goal"
        for (name, way), share in shares(result).items()
        if share < goals[way] and len(result["rows"]) > len(SMALLEST) * 2
    ]


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--share", type=float, default=1.0, help="take this share of the pictures (default: all)")
    parser.add_argument("--folder", type=Path, help="a folder with 10 GB to spare (default: that of temporary files)")


BENCHMARK = Benchmark(
    "score", "How many pictures a second does score answer, beside the same written by hand?", measure, score_table,
    options=_options, failures=faults,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
