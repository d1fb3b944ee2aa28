"""Figures of several processes: their median with the lowest and the highest, and ratios with an interval."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import numpy as np

from edgedigits.measure.summary import bootstrap


def spread_rows(rows: Iterable[dict[str, Any]], figure: str) -> list[dict[str, Any]]:
    """Join rows that differ in ``figure`` alone: it becomes their median, beside their ``low`` and ``high``.

    All three are rounded to four significant digits. Points keep the order in which they were first met.
    """
    values_of: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        point = json.dumps({key: value for key, value in row.items() if key != figure})
        values_of[point].append(row[figure])
    return [
        json.loads(point)
        | {name: float(f"{of(values):.4g}") for name, of in ((figure, median), ("low", min), ("high", max))}
        for point, values in values_of.items()
    ]


def ratio_ci95(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """Return the median ``ratio`` of neighbours and its 95 % interval ``ratio_ci95``, by drawing neighbours anew."""
    ratios = np.array(ours) / np.array(theirs)
    return {"ratio": float(np.median(ratios)), "ratio_ci95": bootstrap(ratios, 0.95)}
