"""Is `edgedigits check` right? Compares its verdict with what a zoo of models really does in many engine releases.

`python -m benchmarks.compat.compat [--work FOLDER] [-o FILE]`, or `make compat`. Models, environments and outputs stay
in the work folder (2 GB), so that a second run only compares anew; remove it to begin from nothing.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from benchmarks.compat.compat_tables import compat_tables
from benchmarks.compat.nets import NETS
from benchmarks.compat.reality import (
    CANNOT,
    FAR,
    OTHER,
    RUNS,
    UNKNOWN,
    WRONG,
    Pair,
    Reality,
    pairs,
    realities,
    totals,
)  # fmt: skip
from benchmarks.compat.release_outputs import collect_outputs, load_zoo
from benchmarks.compat.releases import NEWEST, RELEASES, Release
from benchmarks.harness.benchmark import Benchmark, Result
from edgedigits.files import cache_folder
from edgedigits.measure.machine import describe_machine

# One letter a release keeps the committed file small.
LETTERS = {RUNS: "r", CANNOT: "c", WRONG: "w", UNKNOWN: "u"}
MOST_FALSE_CANNOT = 0.02


def measure(args: argparse.Namespace) -> Result:
    """Run all models in all releases and compare; the smallest run is of one net in each engine's newest release."""
    work: Path = args.work.resolve() / ("smallest" if args.smallest else "")
    zoo = load_zoo(work, NETS[:1] if args.smallest else NETS)
    found, skipped = collect_outputs(work, NEWEST if args.smallest else RELEASES)
    lines = {str(release): outputs["lines"] for release, outputs in found.items()}
    real = realities(work / "zoo", zoo["models"], lines)
    compared = list(pairs(work / "zoo", real))
    refusals = Counter(pair.told for pair in compared if pair.reality == CANNOT)
    seconds = round(sum(outputs["seconds"] for outputs in found.values()))
    return {
        "machine": asdict(describe_machine()),
        "made_by": zoo["versions"],
        "seconds": {"zoo": zoo["seconds"], "releases": seconds},
        "releases": {str(release): {key: one[key] for key in ("python", "numpy")} for release, one in found.items()},
        "skipped": [missing(release) for release in skipped],
        "totals": totals(compared),
        "distances": _distances(real),
        "faults": [{**asdict(pair), "fault": pair.fault} for pair in compared if pair.fault],
        "refusals": dict(refusals.most_common()),
        "models": [{**model, **_letters(model["file"], compared)} for model in zoo["models"]],
    }


def missing(release: Release) -> str:
    """Say why a release was not tried."""
    return f"{release}: needs Python {' or '.join(release.pythons)}, not found on the PATH or among pyenv's"


def _distances(real: dict[str, dict[str, Reality]]) -> dict[str, float]:
    """Return how clear the line is between another rounding and wrong outputs."""
    off = [one.distance for by_release in real.values() for one in by_release.values() if one.distance is not None]
    right, wrong = [one for one in off if one <= FAR], [one for one in off if one > FAR]
    return {"limit": FAR, "largest_that_runs": max(right), "smallest_that_is_wrong": min(wrong)}


def _letters(file: str, compared: list[Pair]) -> dict[str, str]:
    own = [pair for pair in compared if pair.model == file]
    return {side: "".join(LETTERS[getattr(pair, side)] for pair in own) for side in ("verdict", "reality")}


def _failures(result: Result) -> list[str]:
    """Return each false "runs", and all faults if too many are a false "cannot run"."""
    counts = result["totals"]
    if not counts["false_runs"] and counts["false_cannot_run_share"] <= MOST_FALSE_CANNOT:
        return []
    line = "{fault}: {model} on {release}: {verdict} ({why}); really {reality} ({told})"
    return [line.format(**fault) for fault in result["faults"] if fault["fault"] != OTHER]


def _options(parser: argparse.ArgumentParser) -> None:
    default = cache_folder() / "compat"
    parser.add_argument("--work", type=Path, default=default, help="folder for models, environments and outputs")


BENCHMARK = Benchmark(
    "compat", "Compare `edgedigits check` with what models really do in many engine releases.", measure, compat_tables,
    options=_options, failures=_failures,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
