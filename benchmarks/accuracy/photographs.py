"""Photographs of puzzles: what is known of them, their cells cut out, and the cell at a point.

A folder of photographs holds the folders ``printed``, ``mixed`` and ``natural``; each has pictures and a
``labels.json``:

    {"image.jpg": {"corners": [[x, y], ...], "cells": [[5, 0, ...], ...]}, ...}

``corners`` are those of the grid in pixels of the photograph: top left, top right, bottom right, bottom left; ``cells``
are 9 rows of 9 digits, 0 for an empty cell. The photographs of the published result are a part of
github.com/wichtounet/sudoku_dataset (B. Wicht and J. Hennebert, 2014 and 2015; CC BY 4.0), the larger ones reduced to
1,024 pixels, the corners set for this purpose. The project neither ships them nor trains with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SOURCE = "github.com/wichtounet/sudoku_dataset (B. Wicht and J. Hennebert, CC BY 4.0)"
# The sets that are measured, in the order of the tables.
TITLES = {"printed": "printed", "mixed": "mixed (composed)", "natural": "filled in by pen"}
SIDE = 720  # pixels of the straightened grid
CELL = SIDE // 9
# Pixels by which the cut goes beyond the cell, below 0 stays inside it: with the grid's lines, and without them.
MARGINS = {"with lines": 2, "inside the lines": -6}
HALVES = ("odd", "even")
# Of these the given corners lie beside the grid, as a look at the pictures shows: two columns and three rows off, a
# column, a row. They count all the same; what they cost is told.
MISPLACED = ("image1040.jpg", "image1050.jpg", "image1083.jpg")
NEWTON_STEPS = 20

Corners = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photographed puzzle: ``corners`` float64 ``[4, 2]`` as x and y, ``cells`` int ``[9, 9]`` with 0 for empty."""

    path: Path
    corners: Corners
    cells: NDArray[np.int64]

    @property
    def half(self) -> str:
        """Which half of the photographs this one belongs to: ``odd`` or ``even``, as the number in its name."""
        number = re.search(r"\d+", self.path.stem)
        return HALVES[int(number[0]) % 2 == 0] if number else HALVES[0]


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
