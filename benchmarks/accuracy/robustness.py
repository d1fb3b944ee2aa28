"""Measures how every member of the family reads what is not MNIST, and refuses what is no digit.

`python -m benchmarks.accuracy.robustness [--data FOLDER] [-o FILE]` classifies with the int8 file of each bundle that
`make models` left in build/members. Members that were made on another machine keep their figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.accuracy.reading import ENGINE, evaluate_set
from benchmarks.accuracy.reading_tables import percent
from benchmarks.accuracy.sample_sets import SMALLEST, add_data_option, report_sets
from benchmarks.harness.benchmark import Benchmark, Result, describe, read_result
from benchmarks.harness.child import ROOT
from benchmarks.harness.markdown import markdown_table
from edgedigits import DigitClassifier

MEMBERS = ROOT / "build" / "members"
COUNT = 300  # of each set, and of each kind of noise
# Set, heading, and the figure of it that is shown.
COLUMNS = (
    ("data", "drawn digits (`--data`)", "top1"),
    ("scans", "load_digits, 8×8", "top1"),
    ("letters", "generated: letters refused", "refused"),
    ("negatives", "generated: noise, empty paper refused", "refused"),
)


def measure(args: argparse.Namespace) -> Result:
    """Measure all members that are here, in the order in which they are made."""
    known = read_result("robustness")["members"]
    members = {}
    for member in read_result("family")["proofs"]:
        bundle = MEMBERS / member
        members[member] = _member(bundle, args) if bundle.is_dir() else known[member]
    return {"members": members}


def _member(bundle: Path, args: argparse.Namespace) -> Result:
    with DigitClassifier(bundle, variant="int8", engine=ENGINE) as classifier:
        told = describe(("edgedigits", "numpy", "pillow", ENGINE)) | {"bundle": classifier.model_id.bundle, "sets": {}}
        sets = report_sets(args.data)
        for name, *_ in COLUMNS:
            if name in sets:
                found = evaluate_set(sets[name], {"int8": classifier}, SMALLEST if args.smallest else COUNT)
                for variant in found.get("variants", {}).values():
                    variant.pop("kinds", None)  # of interest for the model that ships, in reading.json
                told["sets"][name] = found
    return told


def robustness_table(result: Result) -> str:
    """Return a row a member, a column a set."""
    members = result["members"]
    rows = [
        (f"`{member}`", *(_share(told, name, figure) for name, _, figure in COLUMNS))
        for member, told in members.items()
    ]
    counts = next(iter(members.values()))["sets"].values()
    sizes = ", ".join(f"{one['title']}: {one['variants']['int8']['n']:,}" for one in counts if "variants" in one)
    note = (
        f"The int8 files in LiteRT through the whole pipeline ({sizes}). Measured by "
        "`python -m benchmarks.accuracy.robustness`, written by `make readme`."
    )
    return markdown_table(("member", *(title for _, title, _ in COLUMNS)), "lr", rows, note)


def _share(told: Result, name: str, figure: str) -> str:
    variants = told["sets"].get(name, {}).get("variants")
    return percent(variants["int8"][figure], 1) if variants else "–"


BENCHMARK = Benchmark(
    "robustness", "Measure how every member of the family reads what is not MNIST.", measure, robustness_table,
    options=add_data_option,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
