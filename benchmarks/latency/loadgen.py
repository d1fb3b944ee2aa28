"""Does the industry's load generator see the latency that we state? The shipped model under MLCommons' LoadGen.

Scenarios SingleStream and Offline, for accuracy and for performance, beside the same calls without LoadGen in the same
process. LoadGen's own logs stay in build/loadgen. The exit code is 1 where the figures or the accuracies differ by more
than they may.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness.benchmark import Benchmark, Result, describe
from benchmarks.harness.child import ROOT, run_child
from benchmarks.harness.dots import Dot, draw_dots
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from benchmarks.harness.venvs import project_venv
from edgedigits.files import cache_folder

# In an environment of its own: the project does not depend on it.
LOADGEN = "mlcommons-loadgen==6.0.17"
SECONDS, ROUNDS = 10.0, 3
# LoadGen's binding makes objects of each query and takes the interpreter's lock, which costs more than a µs whatever
# the model does. So a share alone would say more about the binding than about the classifier.
ALLOWED_SHARE, ALLOWED_US = 0.05, 3.0
P90, PER_SECOND, VALID = "90.00 percentile latency (ns)", "Samples per second", "Result is"


def measure(args: argparse.Namespace) -> Result:
    """Measure in a process that has LoadGen; the smallest run takes this Python and no time."""
    if args.smallest:
        python, seconds, rounds = sys.executable, 0.0, 1
    else:
        python, seconds, rounds = project_venv(cache_folder() / "loadgen", LOADGEN), SECONDS, ROUNDS
    words = (str(args.logs.resolve()), str(seconds), str(rounds))
    found: Result = run_child("benchmarks.latency.loadgen_probe", *words, python=python)
    named = describe(["edgedigits", "numpy", "mlcommons-loadgen", found.pop("engine")], python)
    return named | found | {"verdict": verdict(found["single_stream"])}


def _options(parser: argparse.ArgumentParser) -> None:
    logs = ROOT / "build" / "loadgen"
    shown = f"keep LoadGen's logs in FOLDER; default: {logs.relative_to(ROOT)}"
    parser.add_argument("--logs", type=Path, default=logs, metavar="FOLDER", help=shown)


def verdict(single_stream: dict[str, Any]) -> dict[str, Any]:
    """Judge whether LoadGen's 90th percentile is the classifier's own one, by medians over the rounds."""
    rounds = single_stream["rounds"]
    theirs = [float(one["summary"][P90]) / 1e3 for one in rounds]
    direct = [one["direct_p90_us"] for one in rounds]
    difference = median(their - our for their, our in zip(theirs, direct, strict=True))
    allowed = max(ALLOWED_SHARE * median(direct), ALLOWED_US)
    return {
        "p90_us": median(theirs), "direct_p90_us": median(direct), "difference_us": round(difference, 3),
        "allowed_us": allowed, "holds": abs(difference) <= allowed,
        "valid": all(one["summary"][VALID] == "VALID" for one in rounds),
    }  # fmt: skip


def failures(result: Result) -> list[str]:
    """Say which figures do not agree, or are not valid."""
    told = result["verdict"]
    found = [] if told["holds"] else ["the 90th percentiles differ by more than they may"]
    found += [] if told["valid"] else ["a run of LoadGen is not valid"]
    unequal = (name for name in ("single_stream", "offline") if not result[name]["accuracy"]["equal"])
    return found + [f"{name}: LoadGen and the direct calls differ in accuracy" for name in unequal]


def loadgen_table(result: Result) -> str:
    """Lay out a row a scenario, and whether the two ways of measuring agree."""
    told, offline = result["verdict"], result["offline"]
    speeds = {
        "single_stream": (f"p90 {told['p90_us']:.2f} µs", f"p90 {told['direct_p90_us']:.2f} µs"),
        "offline": (
            f"{float(offline['summary'][PER_SECOND]):,.0f} images/s",
            f"{offline['direct_samples_per_second']:,.0f} images/s",
        ),
    }
    titles = {"single_stream": "SingleStream, `classify`", "offline": "Offline, `classify_batch`"}
    rows = []
    for scenario, title in titles.items():
        right = result[scenario]["accuracy"]
        shares = [f"{100 * right[side] / result['samples']:.2f} %" for side in ("right", "direct_right")]
        rows.append([title, *shares, *speeds[scenario]])
    head = ("scenario", "accuracy: LoadGen", "direct", "speed: LoadGen", "direct")
    agreement = (
        f"LoadGen's 90th percentile is {told['difference_us']:+.2f} µs off the direct one, at most "
        f"{told['allowed_us']:.2f} µs are allowed: {'the figures agree' if told['holds'] else 'THEY DIFFER'}. "
    )
    return markdown_table(head, "lr", rows, agreement + _origin(result))


def _origin(result: Result) -> str:
    state = "every run VALID" if result["verdict"]["valid"] else "NOT every run VALID"
    return (
        f"{len(result['single_stream']['rounds'])} rounds of {result['seconds']:g} s, {state}; {result['samples']:,} "
        f"test digits of MNIST, `{result['model']}` of bundle `{result['bundle'][:12]}`; "
        f"{versions_phrase(result['versions'])}; {machine_phrase(result['machine'])}."
    )


def draw_loadgen(result: Result) -> bytes:
    """Draw the 90th percentile of every round, under LoadGen and without it."""
    dots = []
    for number, one in enumerate(result["single_stream"]["rounds"], 1):
        under, direct = float(one["summary"][P90]) / 1e3, one["direct_p90_us"]
        dots.append(Dot(f"round {number}, LoadGen", under, under, under, "other"))
        dots.append(Dot(f"round {number}, direct", direct, direct, direct, "ours"))
    return draw_dots(dots, "90th percentile of classify, µs")


BENCHMARK = Benchmark(
    "loadgen",
    "Does MLCommons' LoadGen see the latency that we state?",
    measure,
    loadgen_table,
    draw_loadgen,
    _options,
    failures,
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
