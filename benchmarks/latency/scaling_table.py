"""How cost grows, in Markdown: a row an engine and precision, a row a size of picture."""

from __future__ import annotations

from typing import Any

_SIDES = 4  # rows are enough to see how it goes


def scaling_table(result: dict[str, Any]) -> str:
    """Two short tables, and what was measured on what."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        *_engines(result),
        "",
        *_pictures(result["images"]),
        "",
        f"µs an image; medians over {result['processes']} processes; one thread where no number says otherwise. MMAC: "
        f"million multiplications with addition, the model itself has {min(result['macs'].values()) / 1e6:.1f}, wider "
        f"ones more. Pictures are squares, through `classify` of bundle `{result['bundle'][:12]}`; the array is grey, "
        "the files are in colour. "
        f"{versions}; {machine['board'] or machine['cpu']}, {machine['cores']} cores, Python {machine['python']}.",
    ]
    return "\n".join(lines)


def _engines(result: dict[str, Any]) -> list[str]:
    """Batches of the model itself, wider models, threads of the widest."""
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
    lines = [
        f"| engine | file | {' | '.join(columns)} |",
        f"|---|---|{'---:|' * len(columns)}",
    ]
    for line in dict.fromkeys((row["engine"], row["precision"]) for row in result["batch"]):
        of = dict(zip(("engine", "precision"), line, strict=True))
        cells = (_figure(result[series], of | wanted) for series, wanted in columns.values())
        lines.append(f"| {line[0]} | {line[1]} | {' | '.join(cells)} |")
    return lines


def _pictures(rows: list[dict[str, Any]]) -> list[str]:
    """Where the time goes, by source and size."""
    sources = list(dict.fromkeys(row["source"] for row in rows))
    sides = sorted({row["side"] for row in rows})
    shown = (
        sides if len(sides) <= _SIDES else [sides[round(i * (len(sides) - 1) / (_SIDES - 1))] for i in range(_SIDES)]
    )
    stages = ("decode", "preprocess", "infer")
    lines = [
        f"| pixels a side | {' | '.join(f'{source}: {stages[0]}, {stages[1]}, {stages[2]}' for source in sources)} |",
        f"|---:|{'---:|' * len(sources)}",
    ]
    for side in shown:
        cells = (
            " + ".join(_figure(rows, {"source": source, "side": side, "stage": stage}) for stage in stages)
            for source in sources
        )
        lines.append(f"| {side:,} | {' | '.join(cells)} |")
    return lines


def _figure(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> str:
    us = next(row["us"] for row in rows if wanted.items() <= row.items())
    return f"{us:.1f}" if us < 100 else f"{us:,.0f}"
