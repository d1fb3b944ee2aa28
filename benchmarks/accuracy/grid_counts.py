"""Counts of how the cells of photographed puzzles are classified, and of what programs read on whole photographs.

All counts are sums over photographs, so that those of parts of a set add up to those of the set; ``each`` has a few
counts of every photograph by its name.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.photographs import Photograph, cell_at, cut_cells
from benchmarks.harness.benchmark import Result
from edgedigits import DigitClassifier

CELL_COUNTS = ("photographs", "digits", "right", "wrong", "refused", "empty", "empty_answered", "grids")
PAGE_COUNTS = ("photographs", "digits", "found", "right", "empty", "false", "grids")


@dataclass(frozen=True, slots=True)
class Spot:
    """A digit that was found on a photograph: ``label`` is "" where it was refused, x and y are its middle."""

    label: str
    x: float
    y: float


ReadPhotograph = Callable[[Path], list[Spot]]


def classify_cells(classifier: DigitClassifier, photographs: Sequence[Photograph], margin: int) -> Result:
    """Classify every cell on its own; return the counts for cells with a digit, empty cells and whole grids.

    A digit is right if its label is right and not refused, an empty cell if it is refused, a grid if all its cells are.
    """
    counts: Counter[str] = Counter(photographs=len(photographs))
    reasons: Counter[str] = Counter()
    each: dict[str, dict[str, int]] = {}
    for photograph in photographs:
        faults, before = 0, counts.copy()
        for cell, truth in cut_cells(photograph, margin):
            prediction = classifier.classify(cell)
            counts["digits" if truth else "empty"] += 1
            if not truth:
                kind = "empty_refused" if prediction.rejected else "empty_answered"
            elif prediction.rejected:
                kind = "refused"
                reasons[prediction.rejected] += 1
            else:
                kind = "right" if prediction.label == truth else "wrong"
            counts[kind] += 1
            faults += kind not in {"right", "empty_refused"}
        counts["grids"] += faults == 0
        each[photograph.path.name] = _since(before, counts, faults)
    return {**{name: counts[name] for name in CELL_COUNTS}, "reasons": dict(reasons.most_common()), "each": each}


def read_photographs(read: ReadPhotograph, photographs: Sequence[Photograph]) -> Result:
    """Read every photograph as it is; return the counts of cells and whole grids, and the seconds that reading took.

    A digit is found if anything is reported at its cell, right if an answer there that is not refused has its label,
    and false if an answer that is not refused lies in an empty cell. A grid is right if every cell has its digit and
    no other, and empty cells have none. What lies outside the grid is not counted.
    """
    counts: Counter[str] = Counter(photographs=len(photographs))
    seconds = 0.0
    each: dict[str, dict[str, int]] = {}
    for photograph in photographs:
        started = time.perf_counter()
        spots = read(photograph.path)
        seconds += time.perf_counter() - started
        before = counts.copy()
        faults = _count_spots(photograph, spots, counts)
        each[photograph.path.name] = _since(before, counts, faults)
    return {**{name: counts[name] for name in PAGE_COUNTS}, "seconds": round(seconds, 2), "each": each}


def _since(before: Counter[str], counts: Counter[str], faults: int) -> dict[str, int]:
    """Return the counts of one photograph, where ``before`` are those without it."""
    return {name: counts[name] - before[name] for name in ("digits", "right")} | {"faults": faults}


def _count_spots(photograph: Photograph, spots: Iterable[Spot], counts: Counter[str]) -> int:
    """Add what is read on a photograph to the counts, and return how many of its cells are not as they should be."""
    seen: dict[tuple[int, int], set[str]] = {}
    for spot in spots:
        if cell := cell_at(photograph.corners, spot.x, spot.y):
            seen.setdefault(cell, set()).add(spot.label)
    faults = 0
    for (row, column), truth in np.ndenumerate(photograph.cells):
        labels = seen.get((row, column), set())
        answers = labels - {""}
        counts["digits" if truth else "empty"] += 1
        counts["found"] += bool(truth and labels)
        counts["right"] += bool(truth and str(truth) in answers)
        counts["false"] += bool(not truth and answers)
        faults += answers != ({str(truth)} if truth else set())
    counts["grids"] += faults == 0
    return faults


def summed(parts: Iterable[Result]) -> Result:
    """Return the sums of counts, name by name, also of counts within counts."""
    total: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, dict):
                total[name] = summed([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0) + value
    return total
