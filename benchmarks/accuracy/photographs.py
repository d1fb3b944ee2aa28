"""How well are photographed digits read? The shipped int8 model on photographs of Sudoku puzzles.

`python -m benchmarks.accuracy.photographs --data FOLDER [-o FILE]`. FOLDER holds one folder a set, such as ``printed``,
``mixed`` and ``natural``; each has photographs and a ``labels.json``:

    {"image.jpg": {"corners": [[x, y], ...], "cells": [[5, 0, ...], ...]}, ...}

``corners`` are those of the grid in pixels of the photograph: top left, top right, bottom right, bottom left; ``cells``
are 9 rows of 9 digits, 0 for an empty cell. The photographs of the published result are a part of
github.com/wichtounet/sudoku_dataset (B. Wicht and J. Hennebert, 2014 and 2015; CC BY 4.0), the larger ones reduced to
1,024 pixels, the corners set for this purpose. The project neither ships them nor trains with them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits import DigitClassifier
from edgedigits.files import write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.verification.statistics import wilson

SCHEMA = 1
RESULT = Path(__file__).parents[1] / "results" / "photographs.json"
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

    Inverts the bilinear map that straightens the grid, ``p = tl + u (tr - tl) + v (bl - tl) + u v (tl - tr + br - bl)``,
    by Newton's method.
    """
    top_left, top_right, bottom_right, bottom_left = corners
    across, down = top_right - top_left, bottom_left - top_left
    twist = top_left - top_right + bottom_right - bottom_left
    place = np.array([0.5, 0.5])
    for _ in range(NEWTON_STEPS):
        u, v = place
        error = top_left + u * across + v * down + u * v * twist - (x, y)
        place = place - np.linalg.solve(np.stack([across + v * twist, down + u * twist], axis=1), error)
    column, row = (int(np.floor(9 * share)) for share in place)
    return (row, column) if 0 <= row < 9 and 0 <= column < 9 else None


def classify_cells(classifier: DigitClassifier, photographs: Sequence[Photograph], margin: int) -> dict[str, Any]:
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


def read_photographs(classifier: DigitClassifier, photographs: Sequence[Photograph]) -> dict[str, Any]:
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
        for cell, truth in np.ndenumerate(photograph.cells):
            labels = seen.get(cell, set())
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


def measure(data: Path, classifier: DigitClassifier, count: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure ``count`` photographs of every set in ``data``, None for all; return the result."""
    sets: dict[str, Any] = {}
    for labels in sorted(data.glob("*/labels.json")):
        photographs = load_photographs(labels.parent)[:count]
        say(f"{labels.parent.name}: {len(photographs)} photographs")
        sets[labels.parent.name] = {
            "photographs": len(photographs),
            "sha256": _sha256([labels, *(photograph.path for photograph in photographs)]),
            "cells": {name: classify_cells(classifier, photographs, margin) for name, margin in MARGINS.items()},
            "read": read_photographs(classifier, photographs),
        }
    return {"margins": MARGINS, "sets": sets}


def _interval(part: int, total: int) -> list[float] | None:
    """Return Wilson's 95 % interval of a share, None of nothing."""
    return list(wilson(part, total)) if total else None


def _sha256(paths: Sequence[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of sets, laid out as described above")
    parser.add_argument("--smallest", action="store_true", help="one photograph of each set, for a quick look")
    parser.add_argument("-o", "--output", type=Path, default=RESULT, help=f"default: {RESULT}")
    args = parser.parse_args()
    with DigitClassifier(variant="int8", engine="litert") as classifier:
        found = measure(args.data, classifier, 1 if args.smallest else None, lambda line: print(line, file=sys.stderr))
        model, engine = classifier.model_id, classifier.engine_id
    result = {
        "schema": SCHEMA, "bundle": model.bundle, "model": f"{model.name}-{model.variant}",
        "machine": asdict(describe_machine()),
        "versions": {name: version(name) for name in ("edgedigits", "numpy", "pillow")} | {engine.name: engine.version},
        "source": "github.com/wichtounet/sudoku_dataset (B. Wicht and J. Hennebert, CC BY 4.0)", **found,
    }  # fmt: skip
    write_atomic(args.output, (json.dumps(result, indent=1) + "\n").encode())
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
