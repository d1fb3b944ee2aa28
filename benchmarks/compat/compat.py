"""Is `edgedigits check` right? Compares its verdict with what a zoo of models really does in many engine releases.

`python -m benchmarks.compat.compat [--work FOLDER] [-o FILE]`, or `make compat`. Models, environments and outputs stay
in the work folder (3 GB), so that a second run only compares anew; remove it to begin from nothing.
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
    FAR_OFF,
    OTHER,
    RUNS,
    UNKNOWN,
    WRONG,
    Pair,
    Reality,
    case_realities,
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
MOST_FALSE_CANNOT = 0.005
MOST_UNKNOWN = 0.05
# The zoos that others made, by their folders: the module that makes each.
OTHERS = {"zoo-backend": "benchmarks.compat.backend_tests", "zoo-packages": "benchmarks.compat.package_files"}


def measure(args: argparse.Namespace) -> Result:
    """Run all models in all releases and compare; the smallest run is of one net in each engine's newest release."""
    work: Path = args.work.resolve() / ("smallest" if args.smallest else "")
    zoo = load_zoo(work / "zoo", "benchmarks.compat.zoo", *(NETS[:1] if args.smallest else NETS))
    found, skipped = collect_outputs(work, work / "zoo", NEWEST if args.smallest else RELEASES)
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
        "faults": _faults(compared),
        "refusals": dict(refusals.most_common()),
        "models": [{**model, **_letters(model["file"], compared)} for model in zoo["models"]],
        "others": {} if args.smallest else {folder: _of_others(work, folder) for folder in OTHERS},
    }


def _of_others(work: Path, folder: str) -> Result:
    """Compare a zoo that others made; its files are too many for a row each."""
    zoo = load_zoo(work / folder, OTHERS[folder])
    onnx_alone = all(model["file"].endswith(".onnx") for model in zoo["models"])
    releases = [release for release in RELEASES if not onnx_alone or release.package == "onnxruntime"]
    found, _ = collect_outputs(work, work / folder, releases)
    lines = {str(release): outputs["lines"] for release, outputs in found.items()}
    real = case_realities(zoo["models"], lines)
    compared = list(pairs(work / folder, real))
    by_release = {
        release: Counter(LETTERS[pair.verdict] + LETTERS[pair.reality] for pair in compared if pair.release == release)
        for release in lines
    }
    return {
        "made_by": zoo["versions"],
        "files": len(zoo["models"]),
        "seconds": round(sum(outputs["seconds"] for outputs in found.values())),
        "totals": totals(compared),
        "distances": _distances(real, FAR_OFF),
        "by_release": {release: dict(sorted(counts.items())) for release, counts in by_release.items()},
        "faults": _faults(compared),
    }


def _faults(compared: list[Pair]) -> list[Result]:
    return [{**asdict(pair), "fault": pair.fault} for pair in compared if pair.fault]


def missing(release: Release) -> str:
    """Say why a release was not tried."""
    return f"{release}: needs Python {' or '.join(release.pythons)}, not found on the PATH or among pyenv's"


def _distances(real: dict[str, dict[str, Reality]], far: float = FAR) -> dict[str, float | None]:
    """Return how clear the line is between another rounding and wrong outputs."""
    off = [one.distance for by_release in real.values() for one in by_release.values() if one.distance is not None]
    right, wrong = [one for one in off if one <= far], [one for one in off if one > far]
    largest, smallest = max(right, default=None), min(wrong, default=None)
    return {"limit": far, "largest_that_runs": largest, "smallest_that_is_wrong": smallest}


def _letters(file: str, compared: list[Pair]) -> dict[str, str]:
    own = [pair for pair in compared if pair.model == file]
    return {side: "".join(LETTERS[getattr(pair, side)] for pair in own) for side in ("verdict", "reality")}


def _failures(result: Result) -> list[str]:
    """Return each false "runs" of a zoo, all its faults if too many are false refusals, and a share of unknowns."""
    found = []
    for name, zoo in {"zoo": result, **result["others"]}.items():
        counts = zoo["totals"]
        if counts["false_runs"] or counts["false_cannot_run_share"] > MOST_FALSE_CANNOT:
            line = "{fault}: {model} on {release}: {verdict} ({why}); really {reality} ({told})"
            found += [line.format(**fault) for fault in zoo["faults"] if fault["fault"] != OTHER]
        if counts["unknown_share"] > MOST_UNKNOWN:
            found.append(f"{name}: {100 * counts['unknown_share']:.1f} % of what runs is unknown")
    return found


def _options(parser: argparse.ArgumentParser) -> None:
    default = cache_folder() / "compat"
    parser.add_argument("--work", type=Path, default=default, help="folder for models, environments and outputs")


BENCHMARK = Benchmark(
    "compat", "Compare `edgedigits check` with what models really do in many engine releases.", measure, compat_tables,
    options=_options, failures=_failures,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
