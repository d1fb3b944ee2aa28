"""The picture of what a threshold costs and brings: docs/rejection.svg, out of benchmarks/results/thresholds.json."""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from edgedigits_export.report.svg import svg_bytes, svg_figure

LEAST = 0.01  # per cent; nothing at all is drawn there


def draw_rejection(result: dict[str, Any]) -> bytes:
    """An SVG: what is lost and what is answered wrongly as the least confidence rises, and one against the other."""
    figure = svg_figure(11, 4.4)
    left, right = figure.subplots(1, 2)
    _by_threshold(left, result["curve"], result["chosen"])
    _trade(right, result["curve"], result["chosen"])
    for axes in (left.yaxis, right.xaxis, right.yaxis):
        axes.set_major_locator(LogLocator())
        axes.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_minor_formatter(NullFormatter())
    for plot in (left, right):
        plot.grid(visible=True, alpha=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right upper", fontsize="small")
    return svg_bytes(figure)


def _by_threshold(axes: Any, curve: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    at = [step["confidence"] for step in curve]
    for what, style, note in (("lost", "-", "lost"), ("accepted", "--", "answered")):
        for name in chosen[what]:
            axes.plot(at, [_percent(step[what][name]) for step in curve], style, label=f"{name}, {note}")
    axes.axvline(chosen["confidence"], color="#555555", linewidth=0.8)
    axes.set(xlabel="least confidence (the line: chosen)", ylabel="%", yscale="log")


def _trade(axes: Any, curve: list[dict[str, Any]], chosen: dict[str, Any]) -> None:
    """The set of digits that loses most stands for all."""
    lost = [_percent(max(step["lost"].values())) for step in curve]
    for number, name in enumerate(chosen["accepted"], start=len(chosen["lost"])):
        axes.plot(lost, [_percent(step["accepted"][name]) for step in curve], "--", color=f"C{number}")
        mine = _percent(max(chosen["lost"].values())), _percent(chosen["accepted"][name])
        axes.plot(*mine, "o", color=f"C{number}")
    axes.set(
        xlabel="false reject: right answers lost, worst set, % (the dots: chosen)",
        ylabel="false accept: no digit, yet answered, %", xscale="log", yscale="log",
    )  # fmt: skip


def _percent(share: float) -> float:
    return 100 * max(share, LEAST / 100)
