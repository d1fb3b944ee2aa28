"""The picture of how cost grows: four panels, all axes logarithmic, so that proportional cost is a straight line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from edgedigits_export.report.svg import ENGINE_COLOURS, svg_bytes, svg_figure

_STYLES: dict[str, Any] = {"int8": "-", "float32": "--"}
_SOURCES = {"array": "#7b4fa3", "png": "#00868b", "jpeg": "#e9a03b"}
_STAGES: dict[str, Any] = {"total": "-", "decode": "--", "preprocess": ":"}
_THIN: dict[str, Any] = {"color": "#999999", "linewidth": 0.7, "zorder": 0}
_SMALL = 8


def draw_scaling(result: dict[str, Any]) -> bytes:
    """Draw batch, size of the picture, threads, size of the model; a thin grey line is cost in proportion."""
    figure = svg_figure(10, 8)
    batch, images, threads, width = figure.subplots(2, 2).flat
    _batch(batch, result["batch"])
    _images(images, result["images"])
    _threads(threads, result["threads"], result["machine"]["cores"])
    _width(width, result["width"], result["macs"])
    for axes in (batch, images, threads, width):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if axes is batch else (1, 3)))
        axes.yaxis.set_major_formatter(FuncFormatter(_number))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, alpha=0.25)
    figure.legend(handles=_engine_key(result), loc="outside lower center", ncols=4, fontsize=_SMALL)
    return svg_bytes(figure)


def _batch(axes: Any, rows: list[dict[str, Any]]) -> None:
    for line in _lines(rows, "engine", "precision", "how"):
        bare = line["how"] == "bare"
        points = _plot_engine(axes, rows, line, "batch", faint=bare, marker="x" if bare else ".")
        if not bare:
            axes.axhline(points[0]["us"], **_THIN)
    _ticks(axes, {row["batch"] for row in rows})
    axes.set(title="classify_batch (faint: the bare engine)", xlabel="images in the batch", ylabel="µs an image")


def _images(axes: Any, rows: list[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["stage"] in _STAGES]
    for line in _lines(shown, "source", "stage"):
        _plot(axes, shown, line, "side", color=_SOURCES[line["source"]], linestyle=_STAGES[line["stage"]], marker=".")
    sides = sorted({row["side"] for row in shown})
    largest = max((row for row in shown if row["stage"] == "total"), key=lambda row: (row["side"], row["us"]))
    _ideal(axes, sides, [largest["us"] * (side / largest["side"]) ** 2 for side in sides])
    lowest = min(row["us"] for row in shown if row["stage"] == "total" or row["source"] != "array")
    axes.set_ylim(bottom=lowest / 2)
    _ticks(axes, sides)
    axes.set(title="classify, a photographed digit", xlabel="pixels a side", ylabel="µs")
    key = [Line2D([], [], color=colour, label=source) for source, colour in _SOURCES.items()]
    key += [Line2D([], [], color="#555555", linestyle=style, label=stage) for stage, style in _STAGES.items()]
    axes.legend(handles=key, fontsize=_SMALL, ncols=2)


def _threads(axes: Any, rows: list[dict[str, Any]], cores: int) -> None:
    widest = max(row["width"] for row in rows)
    for line in _lines(rows, "engine", "precision", "width"):
        _plot_engine(axes, rows, line, "threads", faint=line["width"] != widest)
    threads = sorted({row["threads"] for row in rows})
    for first in _extremes([row for row in rows if row["threads"] == threads[0] and row["width"] == widest]):
        _ideal(axes, threads, [first["us"] / count for count in threads])
    _ticks(axes, threads)
    axes.set(
        title=f"one image, {widest} times as wide (faint: the model itself)",
        xlabel=f"threads of the engine, on {cores} cores", ylabel="µs",
    )  # fmt: skip


def _width(axes: Any, rows: list[dict[str, Any]], macs: dict[str, int]) -> None:
    millions = {int(width): count / 1e6 for width, count in macs.items()}
    rows = [row | {"millions": millions[row["width"]]} for row in rows]
    for line in _lines(rows, "engine", "precision"):
        _plot_engine(axes, rows, line, "millions")
    steps = sorted(millions.values())
    for first in _extremes([row for row in rows if row["millions"] == steps[0]]):
        _ideal(axes, steps, [first["us"] * step / steps[0] for step in steps])
    _ticks(axes, steps)
    axes.set(
        title=f"one image, one thread, filters ×{', ×'.join(map(str, millions))}",
        xlabel="million multiplications with addition an image", ylabel="µs",
    )  # fmt: skip


def _lines(rows: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Return what tells one line from another."""
    return [dict(line) for line in dict.fromkeys(tuple((key, row[key]) for key in keys) for row in rows)]


def _plot_engine(
    axes: Any, rows: list[dict[str, Any]], line: dict[str, Any], x: str, *, faint: bool = False, marker: str = "."
) -> list[dict[str, Any]]:
    style = {"alpha": 0.45, "linewidth": 0.8} if faint else {}
    colour, dashes = ENGINE_COLOURS[line["engine"]], _STYLES[line["precision"]]
    return _plot(axes, rows, line, x, color=colour, linestyle=dashes, marker=marker, **style)


def _plot(axes: Any, rows: list[dict[str, Any]], line: dict[str, Any], x: str, **style: Any) -> list[dict[str, Any]]:
    """Plot the points of a line and return them."""
    points = [row for row in rows if line.items() <= row.items()]
    axes.plot([row[x] for row in points], [row["us"] for row in points], **style)
    return points


def _ideal(axes: Any, x: list[float], y: list[float]) -> None:
    axes.plot(x, y, **_THIN)


def _ticks(axes: Any, values: Iterable[float]) -> None:
    """Label the measured values, and no others."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(values)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_number))


def _number(value: float, _: object) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def _extremes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cheapest and the most expensive row; only these get a guide line of proportional cost."""
    return sorted(rows, key=lambda row: float(row["us"]))[:: max(len(rows) - 1, 1)]


def _engine_key(result: dict[str, Any]) -> list[Line2D]:
    engines = [engine for engine in ENGINE_COLOURS if engine in {row["engine"] for row in result["batch"]}]
    key = [Line2D([], [], color=ENGINE_COLOURS[engine], label=engine) for engine in engines]
    key += [Line2D([], [], color="#555555", linestyle=style, label=name) for name, style in _STYLES.items()]
    return [*key, Line2D([], [], **_THIN, label="if cost were proportional")]
