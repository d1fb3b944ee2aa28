"""The dots of each benchmark whose result is a list of figures."""

from __future__ import annotations

from typing import Any

from dots import Dot, draw_dots
from loadgen.verdict import P90
from overhead.table import QUESTIONS


def draw_engines(result: dict[str, Any]) -> bytes:
    """Median latency of every configuration with its interval."""
    dots = []
    for row in result["rows"]:
        asked, found = row["configuration"], row["summary"]
        if found is not None:
            label = f"{asked['variant']} in {asked['engine']}, {asked['threads']} thr."
            dots.append(Dot(label, found["p50_us"], *found["p50_ci95_us"], asked["engine"]))
    return draw_dots(dots, "median µs of one inference, with its 95 % interval", log=True)


def draw_overhead(result: dict[str, Any]) -> bytes:
    """Ratios with their intervals, and each one's goal as a bar."""
    dots = [
        Dot(
            f"{QUESTIONS[row['what']][0].replace('`', '')} ({row['engine']})", row["ratio"], *row["ratio_ci95"],
            row["engine"], float(QUESTIONS[row["what"]][1].split()[1]),
        )
        for row in result["rows"]
    ]  # fmt: skip
    return draw_dots(dots, "ours by theirs; the bar is the goal: at most, for threads at least")


def draw_peers(result: dict[str, Any]) -> bytes:
    """Median latency of every peer, from the smallest to the largest process."""
    rows = sorted((row for row in result["rows"] if row["reason"] is None), key=lambda row: row["p50_us"]["median"])
    dots = [
        Dot(
            f"{row['title'].replace('`', '')}, {row['precision']}",
            *(row["p50_us"][name] for name in ("median", "min", "max")),
            "ours" if row["name"] == "edgedigits" else "other",
        )
        for row in rows
    ]
    return draw_dots(dots, "median µs from a ready array to the digit, smallest to largest process", log=True)


def draw_loadgen(result: dict[str, Any]) -> bytes:
    """The 90th percentile of every round, under LoadGen and without it."""
    dots = []
    for number, one in enumerate(result["single_stream"]["rounds"], 1):
        under = float(one["summary"][P90]) / 1e3
        dots.append(Dot(f"round {number}, LoadGen", under, under, under, "other"))
        direct = one["direct_p90_us"]
        dots.append(Dot(f"round {number}, direct", direct, direct, direct, "ours"))
    return draw_dots(dots, "90th percentile of classify, µs")
