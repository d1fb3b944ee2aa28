"""Size, accuracy and latency of each variant in each engine, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One variant in one engine; None where it was not measured."""

    file: str
    engine: str
    kilobytes: float | None
    accuracy: float | None
    ci95: tuple[float, float] | None
    drop: float | None
    flips: int | None
    verdict: str
    p50_us: float | None
    p99_us: float | None


def join_rows(parity: dict[str, Any], bench: dict[str, Any]) -> list[Row]:
    """What `parity --json` and `bench --json` gave, joined by file and engine."""
    sizes = {row["file"]: row["bytes"] for row in bench["rows"]}
    times = {(row["file"], row["engine"]): row for row in bench["rows"] if "p50_us" in row}
    rows = []
    for row in parity["rows"]:
        figures, time = row["comparison"], times.get((row["file"], row["engine"]), {})
        rows.append(
            Row(
                file=row["file"],
                engine=f"{row['engine']} {row['version'] or ''}".strip(),
                kilobytes=sizes[row["file"]] / 1e3 if row["file"] in sizes else None,
                accuracy=figures and figures["accuracy"]["top1"],
                ci95=figures and tuple(figures["accuracy"]["ci95"]),
                drop=figures and figures["drop"],
                flips=figures and len(figures["flips"]),
                verdict=row["error"] or "; ".join(row["failed"]) or "passed",
                p50_us=time.get("p50_us"),
                p99_us=time.get("p99_us"),
            )
        )
    return rows
