"""Measure all that is published of what ships: in one run, on one machine, with the bundles of one export.

    python -m benchmarks.publish.figures [--reading WORDS]

Steps are done in order, and what is done is kept in build/figures/done.json: a run that was stopped goes on there. One
whose bundles or machine are others begins anew, as does one after a whole run. `benchmarks/results/figures.json` says
which bundles and machine it was, and how long each step took.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time

from benchmarks.harness.benchmark import RESULTS, SCHEMA, Result, progress, write_result
from benchmarks.harness.child import ROOT
from benchmarks.publish.origins import RESULT, Origin
from edgedigits.bundle import Bundle
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain

FOLDER = ROOT / "build" / "figures"
# What ships, with all variants: `models` makes the other members of the family, and measures them, in hours.
SHIPPED = ("small", "tiny")
EXPORT = "edgedigits export models/{0}.keras --name {0} --calibration mnist --calibration-samples 1000 --gate shipped"
WRONG = FOLDER / "silently-wrong"
# Each with its words; `python` and `edgedigits` are this environment's.
STEPS = {
    "wrong": f"python -m benchmarks.boards.silently_wrong models/small.keras {FOLDER}/small {WRONG}",
    "wheel": f"python -m build --quiet --wheel --outdir {FOLDER}/wheel .",
    "pi": f"python -m benchmarks.boards.pi {{wheel}} --bundle {FOLDER}/small --member {FOLDER}/tiny --wrong {WRONG}",
    "parity": f"edgedigits parity {FOLDER}/small --data mnist -o benchmarks/results/parity.json --overwrite",
    "engines": f"python -m benchmarks.latency.engines {FOLDER}/small",
    "overhead": "python -m benchmarks.latency.overhead",
    "peers": "python -m benchmarks.peers.peers",
    "roofline": "python -m benchmarks.latency.roofline",
    "scaling": "python -m benchmarks.latency.scaling",
    "serve": "python -m benchmarks.serving.serve",
    "bit-flips": "python -m benchmarks.accuracy.bit_flips",
    "reading": "python -m benchmarks.accuracy.reading {reading}",
}


def main() -> int:
    """Measure what is not yet measured; returns the exit code of the step that failed, 1 where goals were missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reading", default="", help="options of the benchmark `reading`, such as where pictures are")
    args = parser.parse_args()
    for name in SHIPPED:
        if code := _run(f"{EXPORT.format(name)} -o {FOLDER / name} --overwrite"):
            return code
    found = _begun()
    missed: list[str] = []
    for step, words in STEPS.items():
        if step in found["seconds"]:
            continue
        begun, known = time.monotonic(), _written(step)
        wheel = next((FOLDER / "wheel").glob("*.whl"), "")
        code = _run(words.format(reading=args.reading, wheel=wheel))
        if code and _written(step) == known:
            return code
        missed += [step] if code else []
        found["seconds"][step] = round(time.monotonic() - begun)
        write_result(FOLDER / "done.json", found)
    write_result(RESULT, found)
    (FOLDER / "done.json").unlink()
    if missed:
        progress(f"FAILED: measured, with a goal missed: {', '.join(missed)}")
    return int(bool(missed))


def _written(step: str) -> float:
    """Return when a step's result was written, 0 where there is none: a goal that was missed is a figure, too."""
    result = RESULTS / f"{step}.json"
    return result.stat().st_mtime if result.exists() else 0.0


def _begun() -> Result:
    """Return what a run with the same bundles on this machine has done, or what one that begins has."""
    full = {name: Bundle.load(str(FOLDER / name)) for name in SHIPPED}
    shipped = {name: Bundle.load(name) for name in SHIPPED}
    for name in SHIPPED:
        known = {file.path: file.sha256 for file in full[name].manifest.files}
        if other := [file.path for file in shipped[name].manifest.files if known.get(file.path) != file.sha256]:
            raise SystemExit(f"expected the shipped {', '.join(other)}, exported others; run make bundle first")
    begun: Result = {
        "schema": SCHEMA, "machine": to_plain(describe_machine()),
        "shipped": {name: bundle.id for name, bundle in shipped.items()},
        "exported": {name: bundle.id for name, bundle in full.items()},
    }  # fmt: skip
    done = FOLDER / "done.json"
    before = json.loads(done.read_text()) if done.exists() else {}
    same = before and Origin.of(before) == Origin.of(begun)
    return before if same else begun | {"seconds": {}}


def _run(words: str) -> int:
    progress(f"-- {words}")
    command = shlex.split(words)
    python = [sys.executable, *(["-m", "edgedigits.cli.main"] if command[0] == "edgedigits" else [])]
    return subprocess.run([*python, *command[1:]], check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    raise SystemExit(main())
