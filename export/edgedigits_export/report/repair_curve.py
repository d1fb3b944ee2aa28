"""Draw what a repair tried: loss of accuracy, size and latency over the number of operators in float."""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import MaxNLocator

from edgedigits.manifest import Repair
from edgedigits_export.report.svg import svg_bytes, svg_figure

_MARKERS = {"min-max": "o", "percentile": "s", "mse": "D"}
_WITHIN, _OUTSIDE, _CHOSEN = "#2a9d5c", "#d1495b", "#1b6ca8"


def draw_repair(repair: Repair, margin: float) -> bytes:
    """Return an SVG with a mark for each candidate that was run, and a ring around the one that was chosen."""
    tried = [trial for trial in repair.tried if trial.drop is not None]
    measured = any(trial.microseconds is not None for trial in tried)
    figure = svg_figure(5.2, 5.6 if measured else 4.4)
    panels = figure.subplots(3 if measured else 2, sharex=True)
    for trial in tried:
        values = [trial.drop, trial.bytes / 1000, *([trial.microseconds] if measured else [])]
        colour = _WITHIN if trial.within else _OUTSIDE
        for axes, value in zip(panels, values, strict=True):
            axes.plot(trial.in_float, value, _MARKERS.get(trial.ranges, "^"), color=colour, alpha=0.85, markersize=5)
            if trial.chosen:
                axes.plot(trial.in_float, value, "o", markersize=11, fillstyle="none", color=_CHOSEN)
        panels[0].vlines(trial.in_float, trial.drop, trial.high, color=colour, linewidth=0.8)
    panels[0].axhline(margin, color="#555555", linestyle="--", linewidth=0.8)
    panels[0].set_ylabel("loss, points")
    panels[1].set_ylabel("size of the file, KB")
    if measured:
        panels[2].set_ylabel("latency, µs")
    panels[-1].set_xlabel("operators in float")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in panels:
        axes.grid(visible=True, alpha=0.25)
    _explain(figure, {trial.ranges for trial in tried})
    return svg_bytes(figure)


def _explain(figure: Any, ranges: set[str]) -> None:
    from matplotlib.lines import Line2D

    def mark(marker: str, colour: str, label: str) -> Line2D:
        return Line2D([], [], linestyle="", marker=marker, color=colour, label=label)

    marks = [mark(_MARKERS.get(name, "^"), "#555555", f"ranges by {name}") for name in sorted(ranges)]
    marks += [mark("o", _WITHIN, "within the margin"), mark("o", _OUTSIDE, "outside it")]
    figure.legend(handles=marks, fontsize="small", loc="outside lower center", ncols=2)
