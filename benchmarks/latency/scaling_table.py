"""How cost grows, in Markdown: a row an engine and precision, a row a size of picture."""

from __future__ import annotations

from typing import Any

from benchmarks.harness.benchmark import Result
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase

_SIDES = 4  # rows are enough to see how it goes
_STAGES = ("decode", "preprocess", "infer")


def scaling_table(result: Result) -> str:
    """Lay out two short tables, and what was measured on what."""
    note = (
        f"µs an image; medians over {result['processes']} processes; one thread where no number says otherwise. MMAC: "
        f"million multiplications with addition, the model itself has {min(result['macs'].values()) / 1e6:.1f}, wider "
        f"ones more. Pictures are squares, through `classify` of bundle `{result['bundle'][:12]}`; the array is grey, "
        f"the files are in colour. {versions_phrase(result['versions'])}; {machine_phrase(result['machine'])}."
    )
    return f"{_engines(result)}\n\n{_pictures(result['images'], note)}"


def _engines(result: Result) -> str:
    """Lay out batches of the model itself, wider models, threads of the widest."""
    batches = sorted({row["batch"] for row in result["batch"]})
    threads = sorted({row["threads"] for row in result["threads"]})
    millions = {int(width): macs / 1e6 for width, macs in result["macs"].items()}
    widest = max(millions)
    # What to look for in which series: the columns, from left to right.
    columns = {
        f"batch of {batches[0]}": ("batch", {"how": "classify_batch", "batch": batches[0]}),
        f"of {batches[-1]:,}": ("batch", {"how": "classify_batch", "batch": batches[-1]}),
        f"bare, of {batches[-1]:,}": ("batch", {"how": "bare", "batch": batches[-1]}),
    }
    columns |= {f"{count:.1f} MMAC": ("width", {"width": width}) for width, count in millions.items() if width > 1}
    columns |= {
        f"{millions[widest]:.1f} MMAC, {count} threads": ("threads", {"width": widest, "threads": count})
        for count in dict.fromkeys((threads[1], threads[-1]))
    }
    rows = []
    for engine, precision in dict.fromkeys((row["engine"], row["precision"]) for row in result["batch"]):
        line = {"engine": engine, "precision": precision}
        cells = (_figure(result[series], line | wanted) for series, wanted in columns.values())
        rows.append([engine, precision, *cells])
    return markdown_table(["engine", "file", *columns], "llr", rows)


def _pictures(rows: list[dict[str, Any]], note: str) -> str:
    """Lay out where the time goes, by source and size."""
    sources = list(dict.fromkeys(row["source"] for row in rows))
    sides = sorted({row["side"] for row in rows})
    if len(sides) > _SIDES:
        sides = [sides[round(i * (len(sides) - 1) / (_SIDES - 1))] for i in range(_SIDES)]
    cells = [
        [
            f"{side:,}",
            *(
                " + ".join(_figure(rows, {"source": source, "side": side, "stage": stage}) for stage in _STAGES)
                for source in sources
            ),
        ]
        for side in sides
    ]
    return markdown_table(
        ["pixels a side", *(f"{source}: {', '.join(_STAGES)}" for source in sources)], "r", cells, note
    )


def _figure(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> str:
    us = next(row["us"] for row in rows if wanted.items() <= row.items())
    return f"{us:.1f}" if us < 100 else f"{us:,.0f}"
