"""Which member of the family is worth its bytes? Accuracy over size, beside others, out of committed results."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import Any

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from benchmarks.harness.benchmark import Result
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


def draw_pareto(family: Result, peers: Result) -> bytes:
    """Draw accuracy over size as an SVG: the family's runs, what others published, TensorFlow's tutorial of `peers`."""
    figure = svg_figure(8, 4.2)
    axes = figure.subplots()
    for name, runs in groupby(family["runs"], key=lambda run: run["member"]):
        _draw_member(axes, name, list(runs))
    tutorial = next(row for row in peers["rows"] if row["name"] == TUTORIAL)
    others = [(name, kilobytes, accuracy) for name, kilobytes, accuracy, _ in PUBLISHED]
    others.append(("TensorFlow's tutorial", tutorial["model_bytes"] / 1e3, tutorial["accuracy"]))
    for name, kilobytes, accuracy in others:
        axes.plot(kilobytes, 100 * accuracy, "x", color=_THEIRS, markersize=6)
        _name(axes, name, kilobytes, 100 * accuracy, _PLACES.get(name, -11), color=_THEIRS)
    axes.set(xlabel="size, KB: file (filled), weights alone (hollow, crosses)", ylabel="test digits read rightly, %")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.15, y=0.08)
    axes.grid(visible=True, which="both", alpha=0.25)
    return svg_bytes(figure)


def _draw_member(axes: Any, name: str, runs: list[Result]) -> None:
    kilobytes, weights = runs[0]["bytes"] / 1e3, runs[0]["weight_bytes"] / 1e3
    shares = [100 * run["test"] for run in runs]
    accuracy = statistics.mean(shares)
    axes.plot([weights, kilobytes], [accuracy] * 2, color=_OURS, linewidth=0.8)
    axes.plot(weights, accuracy, "o", color=_OURS, fillstyle="none", markersize=6)
    spread = [[accuracy - min(shares)], [max(shares) - accuracy]]
    axes.errorbar(kilobytes, accuracy, yerr=spread, fmt="o", color=_OURS, capsize=2, linewidth=0.8)
    _name(axes, name, kilobytes, accuracy, 7, weight="bold", color=_OURS)


def _name(axes: Any, name: str, x: float, y: float, above: int, **looks: str) -> None:
    axes.annotate(name, (x, y), (0, above), textcoords="offset points", fontsize=7, ha="center", **looks)


def pareto_phrase() -> str:
    """Return what the dots and crosses of the picture are."""
    sources = "; ".join(f"{name}: {source}" for name, *_, source in PUBLISHED)
    return (
        "Dots are ours, int8 TFLite files: means of the seeds, with the worst and the best of them; hollow, the same "
        "with the weights' bytes alone. Crosses are others': sizes of weights alone and accuracies as published "
        f"({sources}), and the model of TensorFlow's post-training-quantization tutorial, made anew and measured here."
    )
