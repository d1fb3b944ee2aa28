"""How well are photographed digits read? The shipped int8 model on photographs of Sudoku puzzles.

`python -m benchmarks.accuracy.photographs --data FOLDER [-o FILE]`. FOLDER holds the folders ``printed``, ``mixed`` and
``natural``; each has photographs and a ``labels.json``:

    {"image.jpg": {"corners": [[x, y], ...], "cells": [[5, 0, ...], ...]}, ...}

``corners`` are those of the grid in pixels of the photograph: top left, top right, bottom right, bottom left; ``cells``
are 9 rows of 9 digits, 0 for an empty cell. The photographs of the published result are a part of
github.com/wichtounet/sudoku_dataset (B. Wicht and J. Hennebert, 2014 and 2015; CC BY 4.0), the larger ones reduced to
1,024 pixels, the corners set for this purpose. The project neither ships them nor trains with them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.harness.benchmark import Benchmark, Result, describe, progress
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from edgedigits import DigitClassifier
from edgedigits.engines import EngineName
from edgedigits.verification.statistics import wilson

ENGINE: EngineName = "litert"
SOURCE = "github.com/wichtounet/sudoku_dataset (B. Wicht and J. Hennebert, CC BY 4.0)"
# The sets that are measured, in the order of the table.
TITLES = {"printed": "printed", "mixed": "mixed (composed)", "natural": "filled in by pen"}
SIDE = 720  # pixels of the straightened grid
CELL = SIDE // 9
# Pixels by which the cut goes beyond the cell, below 0 stays inside it: with the grid's lines, and without them.
MARGINS = {"with lines": 2, "inside the lines": -6}
NEWTON_STEPS = 20

Corners = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photographed puzzle: ``corners`` float64 ``[4, 2]`` as x and y, ``cells`` int ``[9, 9]`` with 0 for empty."""

    path: Path
    corners: Corners
    cells: NDArray[np.int64]


def load_photographs(folder: Path) -> list[Photograph]:
    """Return the photographs of one set in the order of their names."""
    told = json.loads((folder / "labels.json").read_text())
    return [
        Photograph(folder / name, np.array(one["corners"], np.float64), np.array(one["cells"], np.int64))
        for name, one in sorted(told.items())
    ]


def cut_cells(photograph: Photograph, margin: int) -> Iterator[tuple[Image.Image, str]]:
    """Straighten the grid and cut it into 81 cells; yield each in colour with its digit, "" for an empty one."""
    top_left, top_right, bottom_right, bottom_left = photograph.corners
    with Image.open(photograph.path) as picture:
        quad = (*top_left, *bottom_left, *bottom_right, *top_right)
        grid = picture.convert("RGB").transform((SIDE, SIDE), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    for (row, column), digit in np.ndenumerate(photograph.cells):
        left, top = max(CELL * column - margin, 0), max(CELL * row - margin, 0)
        right, bottom = (min(CELL * (index + 1) + margin, SIDE) for index in (column, row))
        yield grid.crop((left, top, right, bottom)), str(digit) if digit else ""


def cell_at(corners: Corners, x: float, y: float) -> tuple[int, int] | None:
    """Return the row and column of the cell at a point of the photograph, None outside the grid.

    Inverts the bilinear map that straightens the grid, ``tl + u (tr - tl) + v (bl - tl) + u v (tl - tr + br - bl)``, by
    Newton's method.
    """
    top_left, top_right, bottom_right, bottom_left = corners
    across, down = top_right - top_left, bottom_left - top_left
    twist = top_left - top_right + bottom_right - bottom_left
    shares = np.array([0.5, 0.5])
    for _ in range(NEWTON_STEPS):
        u, v = shares
        error = top_left + u * across + v * down + u * v * twist - (x, y)
        shares = shares - np.linalg.solve(np.stack([across + v * twist, down + u * twist], axis=1), error)
    column, row = (int(np.floor(9 * share)) for share in shares)
    return (row, column) if 0 <= row < 9 and 0 <= column < 9 else None


def classify_cells(classifier: DigitClassifier, photographs: Sequence[Photograph], margin: int) -> Result:
    """Classify every cell on its own; return the counts for cells with a digit and for empty cells."""
    digits: Counter[str] = Counter()
    empty: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for photograph in photographs:
        for cell, truth in cut_cells(photograph, margin):
            prediction = classifier.classify(cell)
            if not truth:
                empty["refused" if prediction.rejected else "answered"] += 1
            elif prediction.rejected:
                digits["refused"] += 1
                digits["refused_before_inference"] += prediction.digit is None
                reasons[prediction.rejected] += 1
            else:
                digits["right" if prediction.label == truth else "wrong"] += 1
    n, n_empty = digits["right"] + digits["wrong"] + digits["refused"], empty["refused"] + empty["answered"]
    return {
        "digits": n, "right": digits["right"], "right_ci95": _interval(digits["right"], n), "wrong": digits["wrong"],
        "refused": digits["refused"], "refused_before_inference": digits["refused_before_inference"],
        "reasons": dict(reasons.most_common()), "empty": n_empty, "empty_refused": empty["refused"],
        "empty_answered": empty["answered"], "empty_answered_ci95": _interval(empty["answered"], n_empty),
    }  # fmt: skip


def read_photographs(classifier: DigitClassifier, photographs: Sequence[Photograph]) -> Result:
    """Read every photograph as it is; return the counts of cells.

    A digit is found if ``read`` reports something at its cell, right if an answer that is not refused has its label,
    and false if an answer that is not refused lies in an empty cell. What lies outside the grid is not counted.
    """
    counts: Counter[str] = Counter()
    for photograph in photographs:
        seen: dict[tuple[int, int], set[str]] = {}
        for digit in classifier.read(photograph.path).digits:
            top, left, bottom, right = digit.box
            if cell := cell_at(photograph.corners, (left + right) / 2, (top + bottom) / 2):
                seen.setdefault(cell, set()).add("" if digit.rejection else digit.label)
        for (row, column), truth in np.ndenumerate(photograph.cells):
            labels = seen.get((row, column), set())
            kind = "digits" if truth else "empty"
            counts[kind] += 1
            counts["found"] += bool(truth and labels)
            counts["right"] += bool(truth and str(truth) in labels)
            counts["false"] += bool(not truth and labels - {""})
    return {
        "digits": counts["digits"], "found": counts["found"], "right": counts["right"],
        "right_ci95": _interval(counts["right"], counts["digits"]), "empty": counts["empty"], "false": counts["false"],
        "false_ci95": _interval(counts["false"], counts["empty"]),
    }  # fmt: skip


def measure(args: argparse.Namespace) -> Result:
    """Measure every set; the smallest run takes one photograph of each."""
    sets: dict[str, Result] = {}
    with DigitClassifier(variant="int8", engine=ENGINE) as classifier:
        for name in TITLES:
            photographs = load_photographs(args.data / name)[: 1 if args.smallest else None]
            progress(f"{name}: {len(photographs)} photographs")
            sets[name] = {
                "photographs": len(photographs),
                "cells": {cut: classify_cells(classifier, photographs, margin) for cut, margin in MARGINS.items()},
                "read": read_photographs(classifier, photographs),
            }
        model = f"{classifier.model_id.name}-{classifier.model_id.variant}"
    about = describe(("edgedigits", "numpy", "pillow", ENGINE))
    return {**about, "model": model, "source": SOURCE, "margins": MARGINS, "sets": sets}


def photographs_table(result: Result) -> str:
    """Return what was found in a sentence, a row for each set and way to cut cells, and a row a set for `read`."""
    sets, cells, pages = result["sets"], [], []
    for name, found in sets.items():
        title = TITLES[name]
        for margin, counts in found["cells"].items():
            early = counts["refused_before_inference"]
            cells.append((
                title, margin, *_shares(counts), counts["wrong"], early, counts["refused"] - early,
                _of(counts["empty_answered"], counts["empty"]),
            ))  # fmt: skip
        counts = found["read"]
        false = _of(counts["false"], counts["empty"])
        pages.append((title, found["photographs"], *_shares(counts), f"{counts['found']:,}", false))
    before, after = "refused before inference", "refused after it"
    single = markdown_table(
        ("`classify`, cells", "cut", "digits", "right", "95 % interval", "wrong", before, after, "empty answered"),
        "llr", cells,
    )  # fmt: skip
    whole = markdown_table(
        ("`read`, photographs", "count", "digits", "right", "95 % interval", "found", "false in empty cells"),
        "lr", pages, _origin(result),
    )  # fmt: skip
    return f"{_finding(sets)}\n\n{single}\n\n{whole}"


def _shares(counts: Result) -> tuple[str, str, str]:
    low, high = counts["right_ci95"]
    right = counts["right"] / counts["digits"]
    return f"{counts['digits']:,}", f"{100 * right:.1f} %", f"{100 * low:.1f} to {100 * high:.1f} %"


def _of(part: int, total: int) -> str:
    return f"{part} of {total:,}" if total else "none there"


def _finding(sets: Result) -> str:
    """Return how many printed digits are read rightly, and what becomes of the others."""
    cells, read = sets["printed"]["cells"]["inside the lines"], sets["printed"]["read"]
    missed = cells["digits"] - cells["right"]
    classified, whole = (100 * counts["right"] / counts["digits"] for counts in (cells, read))
    return (
        f"**Of {cells['digits']:,} printed digits in photographs, `classify` reads {classified:.0f} % rightly, each "
        f"cut out of its cell, and `read` {whole:.0f} %, given the whole photograph.** Of those that `classify` misses "
        f"{100 * cells['refused'] / missed:.0f} % are refused, nearly all before inference: the preprocessing finds no "
        "ink in them, or nothing of a digit's form."
    )


def _origin(result: Result) -> str:
    return (
        f"Photographs of puzzles in newspapers, taken with phones: {result['source']}. *Mixed* are the printed ones "
        "with a handwritten-like digit composed into every empty cell by the makers of the data set. The digits of one "
        "photograph are read or missed together, so that the intervals, which take them for independent, are too "
        f"narrow. `{result['model']}` of bundle `{result['bundle'][:12]}`; {versions_phrase(result['versions'])}; "
        f"{machine_phrase(result['machine'])}. Measured by `make photographs`, written by `make readme`."
    )


def _interval(part: int, total: int) -> list[float] | None:
    """Return Wilson's 95 % interval of a share, None of nothing."""
    return list(wilson(part, total)) if total else None


def _options(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, __doc__
    parser.add_argument("--data", type=Path, required=True, help="folder of sets, laid out as described below")


BENCHMARK = Benchmark(
    "photographs", "Measure how well photographed digits are read.", measure, photographs_table, options=_options
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
