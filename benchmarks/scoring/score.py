"""Pictures a second of `edgedigits score`, beside the same written by hand, here and on Ray.

Every way has an archive and a hundredth of it, in turns; the rate is that of what the whole has more, so that starting
does not count. Ways take turns, too; a run that is stopped goes on behind its last whole turn.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped, progress, write_result
from benchmarks.harness.child import ROOT
from benchmarks.latency.drawn_photographs import photograph
from benchmarks.scoring.score_table import faults, score_table
from benchmarks.scoring.ways import SETS, SIDE, SMALLEST, WAYS, Way
from edgedigits.datasets import load_splits
from edgedigits.images.decode import read_pixels

PACKAGES = ("edgedigits", "numpy", "pillow", "ai-edge-litert", "pyarrow", "ray")
PART = 100  # the small archive is so small a part
TURNS = ROOT / "build" / "score"


def measure(args: argparse.Namespace) -> Result:
    """Measure all ways on all sets, but for the turns that a run which was stopped has measured."""
    digits = load_splits("mnist", read_pixels).train.images[..., 0]
    described = describe_shipped(PACKAGES)
    if args.smallest:
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as place:
            rows = [_turns(Set(name, *SMALLEST[name], WAYS[:2]), digits, args, Path(place)) for name in SMALLEST]
    else:
        kept = TURNS / hashlib.sha256(repr(described).encode()).hexdigest()[:12]
        rows = [_turns(Set(name, round(count * args.share), times, WAYS), digits, args, kept)
                for name, (count, times) in SETS.items()]  # fmt: skip
        shutil.rmtree(TURNS)
    return described | {"rows": [row for turns in rows for row in turns]}


class Set(NamedTuple):
    """An archive of so many pictures, how many turns are measured, and the ways that take turns."""

    name: str
    pictures: int
    times: int
    ways: Sequence[Way]


def _turns(of: Set, digits: NDArray[np.uint8], args: argparse.Namespace, kept: Path) -> list[dict[str, Any]]:
    """Return the rows of all turns of a set; each turn is kept as soon as it is measured."""
    kept.mkdir(parents=True, exist_ok=True)
    files = [kept / f"{of.name}-{of.pictures}-{turn}.json" for turn in range(of.times)]
    if missing := [file for file in files if not file.exists()]:
        few = max(1, of.pictures // PART)
        with tempfile.TemporaryDirectory(prefix="edgedigits-score-", dir=args.folder) as place:
            whole, part = (_make(of.name, digits, number, Path(place) / str(number)) for number in (of.pictures, few))
            for file in missing:
                write_result(file, {"rows": [_measured(of, way, whole, part, few) for way in of.ways]})
    return [row for file in files for row in json.loads(file.read_text())["rows"]]


def _measured(of: Set, way: Way, whole: Path, part: Path, few: int) -> dict[str, Any]:
    """Measure one way on a set, and on its hundredth."""
    progress(f"{of.name}: {way.name}")
    seconds, peak = _run(way, whole, whole.parent)
    less, _ = _run(way, part, whole.parent)
    rate = (of.pictures - few) / max(seconds - less, 1e-9)
    figures = {"seconds": round(seconds, 2), "start": round(less, 2), "rate": round(rate, 1)}
    return {"set": of.name, "count": of.pictures, "way": way.name, **figures, "peak_mb": round(peak / 1e6)}


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
    # As Ray gives its workers: numpy would take both processors for what one process is measured by.
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = _Peak(process.pid)
    _, said = process.communicate()
    seconds = time.monotonic() - started
    shutil.rmtree(output, ignore_errors=True)
    if process.returncode:
        raise SystemExit(f"{way.name}: {said}")
    return seconds, peak.end()


class _Peak:
    """Looks at the memory of a process and all below it, soon and then twice a second, until it is told to end."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> int:
        self._done.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        pause = 0.05
        while not self._done.wait(pause):
            pause = min(2 * pause, 0.5)
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


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--share", type=float, default=1.0, help="take this share of the pictures (default: all)")
    parser.add_argument("--folder", type=Path, help="a folder with 10 GB to spare (default: that of temporary files)")


BENCHMARK = Benchmark(
    "score", "How many pictures a second does score answer, beside the same written by hand?", measure, score_table,
    options=_options, failures=faults,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
