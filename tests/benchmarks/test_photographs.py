"""Photographs of puzzles: cells are cut where they are, digits are counted by the cell that they lie in."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.accuracy.photographs import (
    MARGINS,
    cell_at,
    classify_cells,
    cut_cells,
    load_photographs,
    photographs_table,
    read_photographs,
)
from benchmarks.harness.benchmark import read_result

CORNERS = np.array([[100, 60], [420, 90], [400, 430], [80, 380]], float)


def point(row: float, column: float) -> np.ndarray:
    """The place in the photograph of a point of the grid, in cells from its top left corner: x and y."""
    (top_left, top_right, bottom_right, bottom_left), u, v = CORNERS, column / 9, row / 9
    return (1 - v) * ((1 - u) * top_left + u * top_right) + v * ((1 - u) * bottom_left + u * bottom_right)


@pytest.fixture
def photographs(tmp_path) -> list:
    """One photograph with a 1 in its first row, a 2 in the second and so on; brightness is 25 times the digit."""
    cells = np.arange(1, 10)[:, None] * np.eye(9, dtype=int)
    picture = Image.new("RGB", (480, 480))
    for at in range(9):
        corners = [tuple(point(at + down, at + right)) for down, right in ((0, 0), (0, 1), (1, 1), (1, 0))]
        ImageDraw.Draw(picture).polygon(corners, fill=3 * (25 * int(cells[at, at]),))
    picture.save(tmp_path / "one.png")
    told = {"one.png": {"corners": CORNERS.tolist(), "cells": cells.tolist()}}
    (tmp_path / "labels.json").write_text(json.dumps(told))
    return load_photographs(tmp_path)


class FakeClassifier:
    """Classifies a cell by its brightness, but refuses 3 before inference and 4 after it, and takes 5 for a 6."""

    def classify(self, cell: Image.Image) -> Any:
        digit = round(np.asarray(cell)[30:-30, 30:-30].mean() / 25)
        rejected = {0: "blank", 3: "blank", 4: "ambiguous"}.get(digit)
        label = {5: 6}.get(digit, digit)
        return SimpleNamespace(rejected=rejected, digit=None if rejected == "blank" else label, label=str(label))

    def read(self, _: object) -> Any:
        """A 1 and a 3 that are right, a refused 2, a 9 in an empty cell and one outside the grid."""
        places = {("1", 0, 0): None, ("2", 1, 1): "ambiguous", ("3", 2, 2): None, ("9", 0, 5): None, ("9", -2, 3): None}
        digits = []
        for (label, row, column), rejection in places.items():
            x, y = point(row + 0.5, column + 0.5)
            digits.append(SimpleNamespace(label=label, rejection=rejection, box=(y - 9, x - 5, y + 9, x + 5)))
        return SimpleNamespace(digits=digits)


def test_a_point_of_the_photograph_belongs_to_its_cell():
    for row, column in np.ndindex(9, 9):
        for shift in (0.05, 0.5, 0.95):
            assert cell_at(CORNERS, *point(row + shift, column + shift)) == (row, column)
    assert cell_at(CORNERS, *point(-0.1, 4)) is None
    assert cell_at(CORNERS, *point(4, 9.1)) is None


@pytest.mark.parametrize("margin", MARGINS.values())
def test_cells_are_cut_with_their_margin_but_never_beyond_the_grid(photographs, margin):
    cells = list(cut_cells(photographs[0], margin))
    assert [truth for _, truth in cells if truth] == list("123456789")
    assert cells[10][0].size == (80 + 2 * margin, 80 + 2 * margin)
    assert cells[0][0].size == (80 + margin + min(margin, 0),) * 2
    for cell, truth in cells:
        assert round(np.asarray(cell)[30:-30, 30:-30].mean() / 25) == int(truth or 0)


def test_cells_count_as_right_wrong_or_refused_for_a_reason(photographs):
    found = classify_cells(FakeClassifier(), photographs, -6)
    assert (found["digits"], found["right"], found["wrong"], found["refused"]) == (9, 6, 1, 2)
    assert (found["refused_before_inference"], found["reasons"]) == (1, {"blank": 1, "ambiguous": 1})
    assert (found["empty"], found["empty_refused"], found["empty_answered"]) == (72, 72, 0)


def test_digits_of_a_whole_photograph_count_by_the_cell_of_their_centre(photographs):
    found = read_photographs(FakeClassifier(), photographs)
    assert (found["digits"], found["found"], found["right"], found["empty"], found["false"]) == (9, 3, 2, 72, 1)


def test_the_table_says_first_what_was_found():
    result = read_result("photographs")
    first = photographs_table(result).splitlines()[0]
    cells = result["sets"]["printed"]["cells"]["inside the lines"]
    assert f"{100 * cells['right'] / cells['digits']:.0f} % rightly" in first
    assert f"Of {cells['digits']:,} printed digits" in first
