"""Which member of the family is worth its bytes and microseconds? Accuracy over size and latency, beside others'.

`python -m benchmarks.publish.pareto` joins what other benchmarks measured: family (accuracy, size), family-latency, and
peers (TensorFlow's tutorial model).
"""

from __future__ import annotations

import argparse
import statistics
from itertools import groupby
from typing import Any

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from benchmarks.harness.benchmark import Benchmark, Result, read_result
from edgedigits_export.report.svg import svg_bytes, svg_figure

# Bytes of the weights alone, accuracy on MNIST's test digits, and where both are published; none was run here.
PUBLISHED = (
    ("BitNetMCU, 7.3 KiB", 7.3 * 1.024, 0.9928, "github.com/cpldcpu/BitNetMCU, docs/documentation_2026.md"),
    ("BitNetMCU, 11 KiB", 11.0 * 1.024, 0.9955, "github.com/cpldcpu/BitNetMCU, docs/documentation_2026.md"),
    ("697 parameters", 697 * 4 / 1e3, 0.9903, "github.com/JoshWarn/Parameter-Efficient-MNIST; as float32"),
    ("LeNet-5", 60_000 * 4 / 1e3, 0.9905, "LeCun et al., Proc. IEEE 86 (1998), figure 9; as float32"),
)
TUTORIAL = "tutorial-int8"
_OURS, _THEIRS = "#1f77b4", "#333333"
# Points above its cross that a name stands, where it would lie on another one below.
_PLACES = {"BitNetMCU, 11 KiB": 6}


def measure(_: argparse.Namespace) -> Result:
    """Join the committed results."""
    return join_results(read_result("family"), read_result("family-latency"), read_result("peers"))


def join_results(family: Result, latency: Result, peers: Result) -> Result:
    """Return all that the picture and its words show."""
    times = {row["configuration"]["file"]: row["summary"]["p50_us"] for row in latency["rows"]}
    tutorial = next(row for row in peers["rows"] if row["name"] == TUTORIAL)
    others = [
        {"name": name, "kilobytes": kilobytes, "accuracy": accuracy, "p50_us": None}
        for name, kilobytes, accuracy, _ in PUBLISHED
    ]
    # Times of two machines in one picture would compare the machines.
    alike = latency["machine"]["cpu"] == peers["machine"]["cpu"]
    others.append({
        "name": "TensorFlow's tutorial", "kilobytes": tutorial["model_bytes"] / 1e3, "accuracy": tutorial["accuracy"],
        "p50_us": tutorial["p50_us"]["median"] if alike else None,
    })  # fmt: skip
    grouped = groupby(family["runs"], key=lambda run: run["member"])
    return {
        "machine": latency["machine"],
        "family": [_member(name, list(runs), times[f"{name}-int8.tflite"]) for name, runs in grouped],
        "others": others,
        "sources": {name: source for name, *_, source in PUBLISHED},
    }


def _member(name: str, runs: list[Result], p50_us: float) -> Result:
    accuracies = [run["test"] for run in runs]
    return {
        "name": name, "kilobytes": runs[0]["bytes"] / 1e3, "weight_kilobytes": runs[0]["weight_bytes"] / 1e3,
        "accuracy": statistics.mean(accuracies), "least": min(accuracies), "most": max(accuracies), "p50_us": p50_us,
    }  # fmt: skip


def draw_pareto(result: Result) -> bytes:
    """Draw accuracy over size and over median latency as an SVG."""
    figure = svg_figure(10, 4.2)
    size, latency = figure.subplots(1, 2, sharey=True)
    for member in result["family"]:
        accuracy = 100 * member["accuracy"]
        size.plot([member["weight_kilobytes"], member["kilobytes"]], [accuracy] * 2, color=_OURS, linewidth=0.8)
        size.plot(member["weight_kilobytes"], accuracy, "o", color=_OURS, fillstyle="none", markersize=6)
        for axes, x in ((size, member["kilobytes"]), (latency, member["p50_us"])):
            spread = [[accuracy - 100 * member["least"]], [100 * member["most"] - accuracy]]
            axes.errorbar(x, accuracy, yerr=spread, fmt="o", color=_OURS, capsize=2, linewidth=0.8)
            _name(axes, member["name"], x, accuracy, 7, weight="bold", color=_OURS)
    for other in result["others"]:
        for axes, x in ((size, other["kilobytes"]), (latency, other["p50_us"])):
            if x is not None:
                axes.plot(x, 100 * other["accuracy"], "x", color=_THEIRS, markersize=6)
                _name(axes, other["name"], x, 100 * other["accuracy"], _PLACES.get(other["name"], -11), color=_THEIRS)
    size.set(xlabel="size, KB: file (filled), weights alone (hollow, crosses)", ylabel="test digits read rightly, %")
    latency.set(xlabel="median latency in LiteRT, one thread, µs")
    for axes in (size, latency):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.15, y=0.08)
        axes.grid(visible=True, which="both", alpha=0.25)
    return svg_bytes(figure)


def _name(axes: Any, name: str, x: float, y: float, above: int, **looks: str) -> None:
    axes.annotate(name, (x, y), (0, above), textcoords="offset points", fontsize=7, ha="center", **looks)


def pareto_table(result: Result) -> str:
    """Return what the dots and crosses of the picture are."""
    sources = "; ".join(f"{name}: {source}" for name, source in result["sources"].items())
    return (
        "Dots are ours, int8 TFLite files: means of the seeds, with the worst and the best of them; hollow, the same "
        "with the weights' bytes alone. Crosses are others': sizes of weights alone and accuracies as published "
        f"({sources}), and the model of TensorFlow's post-training-quantization tutorial, made anew and measured here."
    )


BENCHMARK = Benchmark(
    "pareto", "Join accuracy, size and latency of the family and of others.", measure, pareto_table, draw_pareto
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
