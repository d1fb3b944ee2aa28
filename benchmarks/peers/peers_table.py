"""The table of `run.py`'s result, in Markdown."""

from __future__ import annotations

from typing import Any

OURS = "edgedigits"


def peers_table(result: dict[str, Any]) -> str:
    """All peers, the fastest first, those without figures last, and a sentence on where the figures are from."""
    rows = sorted(result["rows"], key=_p50)
    own = next((_p50(row) for row in rows if row["name"] == OURS), None)
    lines = [
        "| | computes in | accuracy | model KB | installed MB | cold start ms | p50 µs (min–max) | p50 × edgedigits "
        "| p99 µs | peak MB |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_line(row, own) for row in rows),
        "",
        _origin(result),
    ]
    return "\n".join(lines)


def _p50(row: dict[str, Any]) -> float:
    return float("inf") if row["reason"] is not None else float(row["p50_us"]["median"])


def _line(row: dict[str, Any], own: float | None) -> str:
    title = f"**{row['title']}**" if row["name"] == OURS else row["title"]
    precision = f"{row['precision']} ({row['note']})" if row["note"] else row["precision"]
    if row["reason"] is not None:
        return f"| {title} | {precision} | {' | '.join(['–'] * 8)} |"
    p50 = row["p50_us"]
    cells = [
        title,
        precision,
        f"{100 * row['accuracy']:.2f} %",
        f"{row['model_bytes'] / 1e3:.1f}",
        f"{row['installed']['bytes'] / 1e6:,.0f}" if row["installed"] else "–",
        f"{row['cold_ms']['median']:,.0f}",
        f"{_short(p50['median'])} ({_short(p50['min'])}–{_short(p50['max'])})",
        "–" if own is None else _ratio(p50["median"] / own),
        _short(row["p99_us"]["median"]),
        f"{row['peak_mb']['median']:,.0f}" if row["peak_mb"] else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _short(microseconds: float) -> str:
    return f"{microseconds:,.1f}" if microseconds < 1000 else f"{microseconds:,.0f}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def _origin(result: dict[str, Any]) -> str:
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
        f"Bundle `{result['bundle'][:12]}`; measured by `make bench`, written by `make readme`."
    )


def _tutorial(rows: list[dict[str, Any]]) -> str:
    if not any(row["name"] == "tutorial-int8" for row in rows):
        return ""
    return "The tutorial is that on post-training integer quantization, its model trained anew as described there. "


def _failures(rows: list[dict[str, Any]]) -> str:
    """Why rows have no figures, a sentence each."""
    return "".join(
        f"{row['title']}, {row['precision']}, has no figures: {row['reason'].rstrip('.')}. "
        for row in rows
        if row["reason"] is not None
    )


def _versions(rows: list[dict[str, Any]]) -> str:
    """Each package once; numpy may differ from venv to venv."""
    seen = dict.fromkeys(f"{name} {version}" for row in rows for name, version in row["versions"].items())
    return ", ".join(sorted(seen, key=str.lower))
