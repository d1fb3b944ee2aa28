"""Draw accuracy over size or latency, to see which variants are Pareto-optimal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from edgedigits_export.report.svg import ENGINE_COLOURS, svg_bytes, svg_figure

if TYPE_CHECKING:
    from edgedigits_export.report.rows import ReportRow

_MARKERS = {"float32": "o", "float16": "s", "dynamic-int8": "^", "int8": "D", "int16x8": "v"}
_NAMES = {"kilobytes": "size of the file, KB", "p50_us": "median latency, µs"}


def draw_pareto(rows: Sequence[ReportRow], over: Literal["kilobytes", "p50_us"]) -> bytes | None:
    """Return an SVG of accuracy with its interval over size or latency, a mark a row; None where no row has both."""
    figure = svg_figure(5.2, 4.6)
    axes = figure.subplots()
    for row in rows:
        x = getattr(row, over)
        if x is not None and row.accuracy is not None and row.ci95 is not None:
            _mark(axes, x, 100 * row.accuracy, (100 * row.ci95[0], 100 * row.ci95[1]), row)
    if not axes.containers:
        return None
    axes.set(xlabel=_NAMES[over], ylabel="accuracy, %", xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.15, y=0.08)
    axes.grid(visible=True, which="both", alpha=0.25)
    figure.legend(*_unique_legend(axes), fontsize="small", loc="outside lower center", ncols=2)
    return svg_bytes(figure)


def _mark(axes: Any, x: float, accuracy: float, interval: tuple[float, float], row: ReportRow) -> None:
    precision = next((name for name in sorted(_MARKERS, key=len, reverse=True) if f"-{name}." in row.file), "float32")
    engine = row.engine.split()[0]
    # Rounding puts the end of an interval beyond the accuracy where all images are right, or none.
    low, high = max(0.0, accuracy - interval[0]), max(0.0, interval[1] - accuracy)
    axes.errorbar(
        x, accuracy, yerr=[[low], [high]], fmt=_MARKERS[precision], capsize=2,
        color=ENGINE_COLOURS.get(engine, "#555555"), label=f"{precision} in {engine}", alpha=0.85, linewidth=0.8,
    )  # fmt: skip


def _unique_legend(axes: Any) -> tuple[list[Any], list[str]]:
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    return list(found.values()), list(found)
