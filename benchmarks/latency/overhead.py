"""What edgedigits itself costs beside hand-written code for the same engine, file and picture.

`python benchmarks/overhead/run.py [--smallest] [-o FILE]`: ours and theirs in turns inside fresh processes of an
environment that has the wheel as users install it; ratios of each process, their median and its interval.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.engines import installed_engines
from edgedigits.files import cache_folder, write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.measure.summary import bootstrap
from edgedigits.records import to_plain

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path += [str(HERE.parent), str(HERE.parent / "reading")]
from speed import write_photograph  # noqa: E402
from table import overhead_table  # noqa: E402
from venvs import project_venv  # noqa: E402

RESULT = HERE.parent / "results" / "overhead.json"
DIGITS = ROOT / "tests" / "data" / "digits.npz"
DEFAULT = "litert"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where and how long to measure: the Python that has the wheel, fresh processes, seconds in each."""

    python: str
    processes: int
    seconds: float
    folder: Path


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="one short process each, in this Python: does it work?")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="benchmarks/results/overhead.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgedigits-overhead-") as name:
        if args.smallest:
            asked = Asked(sys.executable, 1, 0, Path(name))
        else:
            venv = project_venv(cache_folder() / "overhead", extras="[litert,onnx,tflite]")
            asked = Asked(venv, 10, 1, Path(name))
        values = result(asked)
    write_atomic(args.output, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())
    print(overhead_table(values))
    return 0


def result(asked: Asked) -> dict[str, Any]:
    """Everything that is committed."""
    ready, photograph = asked.folder / "x.png", asked.folder / "photograph.jpg"
    with np.load(DIGITS) as digits:
        Image.fromarray(digits["images"][0, ..., 0]).save(ready)
    write_photograph(photograph)
    engines = installed_engines()
    rows = [_row("calls", engine, asked, str(DIGITS)) for engine in engines]
    rows += [_row("batch", engine, asked, str(DIGITS)) for engine in engines]
    if DEFAULT in engines:  # whose script is written by hand
        rows.append(_start(asked, ready))
    rows.append(_row("photograph", engines[0], asked, str(photograph)))
    rows.append(_memory(engines[0], asked, ready))
    rows.append(_threads("threads", engines[0], asked, 1))
    rows.append(_threads("threads, tens", engines[0], asked, 10))
    return {
        "schema": 1,
        "machine": to_plain(describe_machine()),
        "bundle": Bundle.load().id,
        "versions": _versions(asked.python, [*engines, "numpy", "pillow", "edgedigits"]),
        "processes": asked.processes,
        "rows": rows,
    }


def _row(what: str, engine: str, asked: Asked, *words: str) -> dict[str, Any]:
    """A probe that measures both sides; of several ways to write it by hand the one that is the fastest over all."""
    found = [_probe(asked, what, engine, *words) for _ in range(asked.processes)]
    names = found[0]["theirs"]
    best = min(names, key=lambda name: float(np.median([one["theirs"][name] for one in found])))
    ours, theirs = [one["ours"] for one in found], [one["theirs"][best] for one in found]
    return _ratio(what, engine, ours, theirs, "µs") | {"against": best}


def _start(asked: Asked, picture: Path) -> dict[str, Any]:
    """From the start of the process to its end, in turns."""
    bundle = Bundle.load()
    hand = [str(HERE / "by_hand.py"), str(bundle.path / bundle.pick("int8", ["tflite"]).path), str(picture)]
    ours, theirs = [], []
    for _ in range(2 * asked.processes):
        command = Path(asked.python).with_name("edgedigits")
        ours.append(_seconds([str(command), "classify", str(picture), "--json"]) * 1e3)
        theirs.append(_seconds([asked.python, *hand]) * 1e3)
    return _ratio("start", DEFAULT, ours, theirs, "ms") | {"against": "a script of ten lines"}


def _memory(engine: str, asked: Asked, picture: Path) -> dict[str, Any]:
    sides = [
        [_probe(asked, "memory", engine, who, str(picture))["mb"] for _ in range(asked.processes)]
        for who in ("ours", "theirs")
    ]
    return _ratio("memory", engine, *sides, "MB") | {"against": "numpy, Pillow, the engine and the model"}


def _threads(what: str, engine: str, asked: Asked, at_once: int) -> dict[str, Any]:
    found = [_probe(asked, "threads", engine, str(DIGITS), str(at_once)) for _ in range(asked.processes)]
    ours, theirs = [one["ours"] for one in found], [one["theirs"] for one in found]
    more = {"against": "8 bare interpreters", "wrong": sum(one["wrong"] for one in found)}
    return _ratio(what, engine, ours, theirs, "images a second") | more


def _ratio(what: str, engine: str, ours: list[float], theirs: list[float], unit: str) -> dict[str, Any]:
    ratios = np.array(ours) / np.array(theirs)
    return {
        "what": what, "engine": engine, "unit": unit, "ours": float(np.median(ours)),
        "theirs": float(np.median(theirs)), "ratio": float(np.median(ratios)), "ratio_ci95": bootstrap(ratios, 0.95),
    }  # fmt: skip


def _probe(asked: Asked, what: str, engine: str, *words: str) -> Any:
    command = [asked.python, str(HERE / "probe.py"), what, engine, str(asked.seconds), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=asked.folder)
    if done.returncode:
        raise SystemExit(f"{what} {engine}: exit code {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def _versions(python: str, names: list[str]) -> dict[str, str]:
    packages = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}
    asked = {name: packages.get(name, name) for name in names}
    code = "import json, sys; from importlib.metadata import version as v; print(json.dumps([*map(v, sys.argv[1:])]))"
    done = subprocess.run([python, "-c", code, *asked.values()], check=True, capture_output=True, text=True)
    return dict(zip(asked, json.loads(done.stdout), strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
