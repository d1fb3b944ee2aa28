"""One row of the result for one peer."""

from __future__ import annotations

from statistics import median
from typing import Any

from rounds import Attempt

_FIGURES = ("cold_ms", "p50_us", "p99_us", "peak_mb", "threads_running")


def row(attempt: Attempt) -> dict[str, Any]:
    """Name, settings and figures; a peer that failed has its ``reason`` and null for the figures."""
    peer, told, failed = attempt.peer, attempt.told, attempt.reason is not None
    return {
        "name": peer.name, "title": peer.title, "precision": peer.precision,
        "packages": list(peer.packages), "versions": told.get("versions", {}), "note": told.get("note", ""),
        "threads": peer.threads,
        "reason": attempt.reason,
        "accuracy": None if failed else attempt.accuracy,
        "model_bytes": None if failed else sum(file.stat().st_size for file in attempt.ready.model),
        "installed": attempt.installed,
        **{figure: None if failed else _spread(figure, attempt.runs) for figure in _FIGURES},
    }  # fmt: skip


def _spread(figure: str, runs: list[dict[str, Any]]) -> dict[str, float] | None:
    """Median over the processes, with the smallest and the largest; None where the system did not tell."""
    values = [run[figure] for run in runs if run[figure] is not None]
    if not values:
        return None
    return {name: round(of(values), 3) for name, of in (("median", median), ("min", min), ("max", max))}
