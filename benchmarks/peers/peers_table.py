"""Lay out the peers' figures in Markdown, and draw their latencies."""

from __future__ import annotations

from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.dots import Dot, draw_dots
from benchmarks.harness.markdown import markdown_table

OURS = "edgedigits"
_HEAD = (
    "peer", "computes in", "accuracy", "p50 × edgedigits", "model KB", "installed MB", "peak MB", "cold start ms",
    "p50 µs (min–max)", "p99 µs",
)  # fmt: skip


def peers_table(result: Result) -> str:
    """Lay out all peers, the fastest first, those without figures last, and where the figures are from."""
    rows = sorted(result["rows"], key=_p50)
    own = next((_p50(row) for row in rows if row["name"] == OURS), None)
    return markdown_table(_HEAD, "llr", [_cells(row, own) for row in rows], _origin(result))


def draw_peers(result: Result) -> bytes:
    """Draw the median latency of every peer, from the smallest to the largest process."""
    rows = sorted((row for row in result["rows"] if row["reason"] is None), key=_p50)
    dots = [
        Dot(
            f"{row['title'].replace('`', '')}, {row['precision']}",
            row["p50_us"]["median"],
            row["p50_us"]["min"],
            row["p50_us"]["max"],
            "ours" if row["name"] == OURS else "other",
        )
        for row in rows
    ]
    return draw_dots(dots, "median µs from a ready array to the digit, smallest to largest process", log=True)


def _p50(row: dict[str, Any]) -> float:
    return float("inf") if row["reason"] is not None else float(row["p50_us"]["median"])


def _cells(row: dict[str, Any], own: float | None) -> list[str]:
    title = f"**{row['title']}**" if row["name"] == OURS else row["title"]
    precision = f"{row['precision']} ({row['note']})" if row["note"] else row["precision"]
    if row["reason"] is not None:
        return [title, precision, *["–"] * 8]
    p50 = row["p50_us"]
    return [
        title,
        precision,
        f"{100 * row['accuracy']:.2f} %",
        "–" if own is None else _ratio(p50["median"] / own),
        f"{row['model_bytes'] / 1e3:.1f}",
        f"{row['installed']['bytes'] / 1e6:,.0f}" if row["installed"] else "–",
        f"{row['peak_mb']['median']:,.0f}" if row["peak_mb"] else "–",
        f"{row['cold_ms']['median']:,.0f}",
        f"{_short(p50['median'])} ({_short(p50['min'])}–{_short(p50['max'])})",
        _short(row["p99_us"]["median"]),
    ]


def _short(microseconds: float) -> str:
    return f"{microseconds:,.1f}" if microseconds < 1000 else f"{microseconds:,.0f}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def _origin(result: Result) -> str:
    machine = result["machine"]
    pinned = "" if result["processor"] is None else ", kept on one processor"
    return (
        f"{_failures(result['rows'])}Accuracy over the {result['digits']:,} images of {result['data']}. One image at a "
        "time, from a ready uint8 array to the digit, one thread"
        f"{pinned}; the bare loops take the largest output, `classify` also copies, checks and judges the image and "
        "gives a whole `Prediction`, whose best guess counts even where it is refused. Median (smallest–largest) over "
        f"{result['rounds']} fresh processes a row, all rows in turn. Cold start is from the start of Python to the "
        "first answer; installed is what pip brings, all requirements with it, byte code not counted. "
        f"{_tutorial(result['rows'])}On "
        f"{machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']}), "
        f"Python {machine['python']}: a shared virtual machine, not a Raspberry Pi. {_versions(result['rows'])}. "
        f"Bundle `{result['bundle'][:12]}`; measured by `make figures`, written by `make readme`."
    )


def _tutorial(rows: list[dict[str, Any]]) -> str:
    if not any(row["name"] == "tutorial-int8" for row in rows):
        return ""
    return "The tutorial is that on post-training integer quantization, its model trained anew as described there. "


def _failures(rows: list[dict[str, Any]]) -> str:
    """Return why rows have no figures, a sentence each."""
    return "".join(
        f"{row['title']}, {row['precision']}, has no figures: {row['reason'].rstrip('.')}. "
        for row in rows
        if row["reason"] is not None
    )


def _versions(rows: list[dict[str, Any]]) -> str:
    """List each package once; numpy may differ from venv to venv."""
    seen = dict.fromkeys(f"{name} {version}" for row in rows for name, version in row["versions"].items())
    return ", ".join(sorted(seen, key=str.lower))
