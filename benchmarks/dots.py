"""Figures side by side as dots with intervals, one row each: the picture that goes with a table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

COLOURS = {"litert": "#1b6ca8", "tflite": "#d1495b", "onnxruntime": "#2a9d5c", "ours": "#1b6ca8", "other": "#555555"}


@dataclass(frozen=True, slots=True)
class Dot:
    """A figure and the interval around it; ``colour`` by the keys of `COLOURS`, ``goal`` a mark to be compared with."""

    label: str
    value: float
    low: float
    high: float
    colour: str
    goal: float | None = None


def draw_dots(dots: Sequence[Dot], unit: str, *, log: bool = False) -> bytes:
    """An SVG: a row a dot, the first one on top; the same dots give the same bytes."""
    figure = Figure(figsize=(8, 0.9 + 0.26 * len(dots)), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    for row, dot in enumerate(dots):
        reach = [[dot.value - dot.low], [dot.high - dot.value]]
        axes.errorbar(dot.value, row, xerr=reach, fmt="o", capsize=3, color=COLOURS[dot.colour], markersize=5)
        if dot.goal is not None:
            axes.plot(dot.goal, row, "|", color="#000000", markersize=12)
    axes.set_yticks(range(len(dots)), [dot.label for dot in dots], fontsize="small")
    axes.set(xlabel=unit, ylim=(len(dots) - 0.5, -0.5))
    if log:
        _logarithmic(axes)
    axes.grid(visible=True, axis="x", which="both", alpha=0.25)
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "edgedigits"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _logarithmic(axes: Any) -> None:
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    wide = high / low > 1000
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
