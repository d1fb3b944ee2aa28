"""The service's figures, in Markdown: a table a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase

PICTURES = {"28×28": "28×28 PNG", "drawing": "drawing of the page, 384×384 PNG"}
_FIGURES = {"per_s": ",.0f", "p50_ms": ".2f", "p99_ms": ".2f", "processor_us": ",.0f"}


def throughput_table(result: Result) -> str:
    """Lay out requests a second and latencies beside the bare endpoint's."""
    part = result["throughput"]
    rows = []
    for row in part["rows"]:
        pairs = [format(row[side][figure], form) for figure, form in _FIGURES.items() for side in ("ours", "theirs")]
        low, high = row["ratio_ci95"]
        ratio = f"{row['ratio']:.3f} ({low:.3f}-{high:.3f})"
        rows.append([PICTURES[row["picture"]], row["connections"], *pairs, ratio])
    head = (
        "picture", "connections", "per s: service", "bare", "p50 ms: service", "bare", "p99 ms: service", "bare",
        "processor µs: service", "bare", "ratio per s (95 % interval)",
    )  # fmt: skip
    wrong = sum(sum(row["wrong"].values()) for row in part["rows"])
    note = (
        f"Goal: a ratio of at least {part['goal']:g}. Medians over {part['rounds']} rounds of {part['seconds']:g} s "
        "each, with fresh processes, in turns; every connection asks again when it was answered, so that latency "
        f"counts the wait for the others. {_cores(part)}; the client was busy for "
        f"{max(row['client_busy'] for row in part['rows']):.0%} of the time at most. "
        f"{sum(row['requests'] for row in part['rows']):,} answers, {wrong:,} of them wrong. {_origin(part)}"
    )
    return markdown_table(head, "lr", rows, note)


def memory_table(result: Result) -> str:
    """Lay out resident memory after so many requests."""
    part = result["memory"]
    rows = [
        [f"{row['requests']:,}", f"{row['rss_kb'] / 1024:.1f}", f"{row['peak_kb'] / 1024:.1f}", row["threads"],
         row["descriptors"]]
        for row in part["rows"]
    ]  # fmt: skip
    note = (
        f"From {rows[0][0]} to {rows[-1][0]} requests {part['growth']:+.1%}; goal: at most {part['goal']:.0%}. Digits "
        f"of several sizes, pages, blanks, the model's card, what is refused; {part['connections']} connections, each "
        f"made anew after {part['renew']} requests. {_origin(part)}"
    )
    return markdown_table(("requests", "resident MB", "most MB", "threads", "open files"), "r", rows, note)


TABLES: dict[str, Callable[[Result], str]] = {"throughput": throughput_table, "memory": memory_table}


def _cores(part: dict[str, Any]) -> str:
    server, client = part["server_core"], part["client_core"]
    if server is None:
        return "Processors could not be chosen"
    return f"Servers on processor {server}, client on {'the same' if server == client else client}"


def _origin(part: dict[str, Any]) -> str:
    of = part["of"]
    return (
        f"Bundle `{of['bundle'][:12]}`; {versions_phrase(of['versions'])}; {machine_phrase(of['machine'])}, "
        f"load average {of['load_average']:.1f} before."
    )
