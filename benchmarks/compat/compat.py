"""Is `edgedigits check` right? Run a zoo of models in many releases of the engines and compare verdict and reality.

`python benchmarks/compat/run.py [--work FOLDER] [-o RESULT]`, or `make compat`. Models, venvs and answers stay in the
work folder (2 GB), so that a second run only judges anew; remove it to begin from nothing. Exit code 1: a false "runs",
or too many a false "cannot run".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from answers import answers, zoo
from reality import CANNOT, FAR, RUNS, Reality, realities
from releases import Release
from verdicts import OTHER, Pair, pairs, totals

from edgedigits.files import cache_folder, write_atomic
from edgedigits.measure.machine import describe_machine

RESULT = Path(__file__).parents[1] / "results" / "compat.json"
# One letter a release keeps the committed file small.
LETTERS = {RUNS: "r", CANNOT: "c", "computes wrongly": "w", "unknown": "u"}
MOST_FALSE_CANNOT = 0.02


def result(work: Path) -> dict[str, Any]:
    """Everything that is committed."""
    made = zoo(work)
    found, skipped = answers(work)
    lines = {str(release): said["lines"] for release, said in found.items()}
    real = realities(work / "zoo", made["models"], lines)
    judged = list(pairs(work / "zoo", real))
    return {
        "machine": asdict(describe_machine()),
        "made_by": made["versions"],
        "seconds": {"zoo": made["seconds"], "releases": round(sum(said["seconds"] for said in found.values()))},
        "releases": {str(release): {key: said[key] for key in ("python", "numpy")} for release, said in found.items()},
        "skipped": [missing(release) for release in skipped],
        "totals": totals(judged),
        "distances": _distances(real),
        "faults": [{**asdict(pair), "fault": pair.fault} for pair in judged if pair.fault],
        "refusals": _refusals(judged),
        "models": [{**model, **_letters(model["file"], judged)} for model in made["models"]],
    }


def missing(release: Release) -> str:
    """Say why a release was not tried."""
    return f"{release}: needs Python {' or '.join(release.pythons)}, not found on the PATH or among pyenv's"


def _distances(real: dict[str, dict[str, Reality]]) -> dict[str, float]:
    """How clear the line is between another rounding and wrong answers."""
    off = [one.distance for by_release in real.values() for one in by_release.values() if one.distance is not None]
    right, wrong = [one for one in off if one <= FAR], [one for one in off if one > FAR]
    return {"limit": FAR, "largest_that_runs": max(right), "smallest_that_is_wrong": min(wrong)}


def _refusals(judged: list[Pair]) -> dict[str, int]:
    """How often each message was heard, without the file it was about."""
    heard = Counter(pair.told for pair in judged if pair.reality == CANNOT)
    return dict(heard.most_common())


def _letters(file: str, judged: list[Pair]) -> dict[str, str]:
    own = [pair for pair in judged if pair.model == file]
    return {side: "".join(LETTERS[getattr(pair, side)] for pair in own) for side in ("verdict", "reality")}


def compact(values: dict[str, Any]) -> str:
    """JSON with one line a row, which git can compare."""
    text = json.dumps(values, indent=1, ensure_ascii=False)
    return re.sub(r"\{\n  +([^{}\[\]]*?)\n +\}", lambda row: "{" + re.sub(r"\n +", " ", row[1]) + "}", text) + "\n"


def main() -> int:
    """Run, write, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=cache_folder() / "compat", help="keeps models, venvs and answers")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="result, benchmarks/results/compat.json")
    chosen = parser.parse_args()
    values = result(chosen.work.resolve())
    write_atomic(chosen.output, compact(values).encode())
    for fault in values["faults"]:
        if fault["fault"] != OTHER:
            print("{fault}: {model} on {release}: {verdict} ({why}); really {reality} ({told})".format(**fault))
    for line in values["skipped"]:
        print(f"skipped {line}", file=sys.stderr)
    counts = values["totals"]
    print(json.dumps(counts))
    return int(counts["false_runs"] > 0 or counts["false_cannot_run_share"] > MOST_FALSE_CANNOT)


if __name__ == "__main__":
    raise SystemExit(main())
