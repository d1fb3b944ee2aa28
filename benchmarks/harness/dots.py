"""Figures side by side as dots with intervals, one row each: the picture that goes with a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from edgedigits_export.report.svg import ENGINE_COLOURS, svg_bytes, svg_figure

COLOURS = {**ENGINE_COLOURS, "ours": "#1b6ca8", "other": "#555555"}


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
    figure = svg_figure(8, 0.9 + 0.26 * len(dots))
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
    return svg_bytes(figure)


def _logarithmic(axes: Any) -> None:
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    wide = high / low > 1000
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
