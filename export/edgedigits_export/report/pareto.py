"""Draw accuracy over size and latency, to see which variants are Pareto-optimal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from edgedigits_export.report.svg import ENGINE_COLOURS, svg_bytes, svg_figure

if TYPE_CHECKING:
    from edgedigits_export.report.rows import ReportRow

_MARKERS = {"float32": "o", "float16": "s", "dynamic-int8": "^", "int8": "D", "int16x8": "v"}


def draw_pareto(rows: Sequence[ReportRow]) -> bytes:
    """Return an SVG of accuracy with its interval over size and over median latency, one mark for each row."""
    figure = svg_figure(10, 4.2)
    size, latency = figure.subplots(1, 2, sharey=True)
    for row in rows:
        if row.accuracy is None or row.ci95 is None:
            continue
        if row.kilobytes is not None:
            _mark(size, row.kilobytes, row)
        if row.p50_us is not None:
            _mark(latency, row.p50_us, row)
    size.set(xlabel="size of the file, KB", ylabel="accuracy, %", xscale="log")
    latency.set(xlabel="median latency, µs", xscale="log")
    for axes in (size, latency):
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.15, y=0.08)
        axes.grid(visible=True, which="both", alpha=0.25)
    latency.legend(*_unique_legend(latency), fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return svg_bytes(figure)


def _mark(axes: Any, x: float, row: ReportRow) -> None:
    precision = next((name for name in sorted(_MARKERS, key=len, reverse=True) if f"-{name}." in row.file), "float32")
    engine = row.engine.split()[0]
    accuracy, (low, high) = 100 * row.accuracy, row.ci95  # type: ignore[operator,misc]  # the caller skips rows without them
    axes.errorbar(
        x, accuracy, yerr=[[accuracy - 100 * low], [100 * high - accuracy]], fmt=_MARKERS[precision], capsize=2,
        color=ENGINE_COLOURS.get(engine, "#555555"), label=f"{precision} in {engine}", alpha=0.85, linewidth=0.8,
    )  # fmt: skip


def _unique_legend(axes: Any) -> tuple[list[Any], list[str]]:
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    return list(found.values()), list(found)
