"""Photographs of puzzles: cells are cut where they are, digits are counted by the cell that they lie in."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy import reading
from benchmarks.accuracy.grid_counts import Spot, classify_cells, read_photographs, summed
from benchmarks.accuracy.page_readers import Reader, ReaderError, own_reader, tesseract_spots, word_spots
from benchmarks.accuracy.photographs import MARGINS, TITLES, cell_at, cut_cells, load_photographs
from edgedigits import DigitClassifier

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
    picture.save(tmp_path / "image1.png")
    told = {"image1.png": {"corners": CORNERS.tolist(), "cells": cells.tolist()}}
    (tmp_path / "labels.json").write_text(json.dumps(told))
    return load_photographs(tmp_path)


class FakeClassifier:
    """Classifies a cell by its brightness, but refuses what ``refused`` has, and takes some digits for others."""

    def __init__(self, refused: dict[int, str], taken: dict[int, int]) -> None:
        self.refused, self.taken = {0: "no_digit"} | refused, taken

    def classify(self, cell: Image.Image) -> Any:
        digit = round(np.asarray(cell)[30:-30, 30:-30].mean() / 25)
        return SimpleNamespace(rejected=self.refused.get(digit), label=str(self.taken.get(digit, digit)))


def spots(*digits: tuple[str, float, float]) -> Any:
    """A program that reports digits at rows and columns of the grid."""
    return lambda _: [Spot(label, *point(row + 0.5, column + 0.5)) for label, row, column in digits]


def test_a_point_of_the_photograph_belongs_to_its_cell():
    for row, column in np.ndindex(9, 9):
        for shift in (0.05, 0.5, 0.95):
            assert cell_at(CORNERS, *point(row + shift, column + shift)) == (row, column)
    assert cell_at(CORNERS, *point(-0.1, 4)) is None
    assert cell_at(CORNERS, *point(4, 9.1)) is None


def test_the_number_in_its_name_puts_a_photograph_into_a_half(photographs):
    (one,) = photographs
    assert one.half == "odd"
    assert type(one)(Path("image1084.jpg"), one.corners, one.cells).half == "even"


@pytest.mark.parametrize("margin", MARGINS.values())
def test_cells_are_cut_with_their_margin_but_never_beyond_the_grid(photographs, margin):
    cells = list(cut_cells(photographs[0], margin))
    assert [truth for _, truth in cells if truth] == list("123456789")
    assert cells[10][0].size == (80 + 2 * margin, 80 + 2 * margin)
    assert cells[0][0].size == (80 + margin + min(margin, 0),) * 2
    for cell, truth in cells:
        assert round(np.asarray(cell)[30:-30, 30:-30].mean() / 25) == int(truth or 0)


def test_cells_count_as_right_wrong_or_refused_for_a_reason(photographs):
    found = classify_cells(FakeClassifier({3: "no_digit", 4: "ambiguous"}, {5: 6}), photographs, -6)
    assert (found["digits"], found["right"], found["wrong"], found["refused"]) == (9, 6, 1, 2)
    assert found["reasons"] == {"no_digit": 1, "ambiguous": 1}
    assert (found["empty"], found["empty_answered"], found["grids"]) == (72, 0, 0)
    assert found["each"] == {photographs[0].path.name: {"digits": 9, "right": 6, "faults": 3}}


def test_a_grid_is_whole_if_every_digit_is_right_and_every_empty_cell_refused(photographs):
    perfect = FakeClassifier({}, {})
    assert classify_cells(perfect, photographs, 2)["grids"] == 1
    del perfect.refused[0]
    found = classify_cells(perfect, photographs, 2)
    assert (found["right"], found["empty_answered"], found["grids"]) == (9, 72, 0)


def test_digits_of_a_whole_photograph_count_by_the_cell_of_their_middle(photographs):
    read = spots(("1", 0, 0), ("", 1, 1), ("3", 2, 2), ("9", 0, 5), ("9", -2, 3))
    found = read_photographs(read, photographs)
    assert (found["digits"], found["found"], found["right"], found["empty"], found["false"]) == (9, 3, 2, 72, 1)
    assert found["each"] == {photographs[0].path.name: {"digits": 9, "right": 2, "faults": 8}}


def test_a_photograph_is_read_whole_unless_a_second_digit_or_a_false_one_is_reported(photographs):
    every = [(str(at + 1), at, at) for at in range(9)]
    assert read_photographs(spots(*every, ("", 4, 2)), photographs)["grids"] == 1
    assert read_photographs(spots(*every, ("8", 8.2, 8)), photographs)["grids"] == 0
    assert read_photographs(spots(*every, ("8", 4, 2)), photographs)["grids"] == 0


def test_our_own_digits_lie_in_the_middle_of_their_boxes_and_refused_ones_have_no_label(tmp_path):
    digits = [SimpleNamespace(label="4", rejection=why, box=(10, 20, 30, 60)) for why in (None, "ambiguous")]
    classifier = SimpleNamespace(read=lambda _: SimpleNamespace(digits=digits))
    assert own_reader(classifier)(tmp_path) == [Spot("4", 40, 20), Spot("", 40, 20)]


def test_tesseracts_boxes_are_counted_from_the_lower_left_corner():
    assert tesseract_spots("7 10 70 20 90 0\n~ 0 0 5 5 0\n\n", 100) == [Spot("7", 15, 20)]


def test_a_word_of_rapidocr_is_parted_evenly_along_its_slanting_box():
    found = word_spots([[0, 0], [100, 10], [100, 30], [0, 20]], "1a:78")
    assert found == [Spot("1", 10, 11), Spot("7", 70, 17), Spot("8", 90, 19)]


def test_counts_of_halves_add_up_name_by_name():
    halves = {"right": 2, "reasons": {"no_digit": 1}}, {"right": 3, "reasons": {"no_digit": 2, "ambiguous": 1}}
    assert summed(halves) == {"right": 5, "reasons": {"no_digit": 3, "ambiguous": 1}}


@pytest.fixture
def puzzles(tmp_path) -> Path:
    """Three sets of two photographs of one puzzle, which has a printed 2, 4 and 7 in its middle."""
    cells = np.zeros((9, 9), int)
    cells[[3, 4, 5], [4, 5, 3]] = 2, 4, 7
    picture = Image.new("RGB", (480, 480), (225, 225, 220))
    draw = ImageDraw.Draw(picture)
    for at in range(10):
        draw.line((15 + 50 * at, 15, 15 + 50 * at, 465), fill=(60, 60, 60), width=2)
        draw.line((15, 15 + 50 * at, 465, 15 + 50 * at), fill=(60, 60, 60), width=2)
    font = ImageFont.load_default(36)
    for row, column in np.argwhere(cells):
        middle = 40 + 50 * int(column), 40 + 50 * int(row)
        draw.text(middle, str(cells[row, column]), fill=(30, 30, 30), font=font, anchor="mm")
    label = {"corners": [[15, 15], [465, 15], [465, 465], [15, 465]], "cells": cells.tolist()}
    for name in TITLES:
        (tmp_path / name).mkdir()
        for number in (1, 2):
            picture.save(tmp_path / name / f"image{number}.png")
        told = {f"image{number}.png": label for number in (1, 2)}
        (tmp_path / name / "labels.json").write_text(json.dumps(told))
    return tmp_path


@contextmanager
def not_had() -> Any:
    raise ReaderError("no network")
    yield


@contextmanager
def sevens() -> Any:
    """A peer that sees a 7, rightly."""
    yield Reader("1.0", 5.0, {"sevens": lambda _: [Spot("7", 15 + 50 * 3.5, 15 + 50 * 5.5)]})


# Each half has 243 cells to be classified twice.
@pytest.mark.slow
def test_photographs_of_the_asked_half_are_measured_together_with_the_peers_that_are_there(puzzles, monkeypatch):
    monkeypatch.setattr(reading, "PEERS", {"Sevens": sevens, "Absent": not_had})
    halves = reading.photographs_of(puzzles, "odd", smallest=False)
    assert [(name, *parts) for name, parts in halves.items()] == [(name, "odd") for name in TITLES]
    with DigitClassifier() as classifier:
        found = reading.measure_photographs({"int8": classifier}, {"printed": halves["printed"]})
    odd = found["photographs"]["printed"]["odd"]
    for cut in MARGINS:
        told = odd["cells"]["int8"][cut]
        assert (told["digits"], told["right"], told["empty"]) == (3, 3, 78)
    assert odd["pages"]["edgedigits"]["int8"]["right"] == 3
    assert odd["pages"]["Sevens"]["sevens"]["right"] == 1
    assert found["readers"]["Sevens"] == {"version": "1.0", "megabytes": 5.0}
    assert found["readers"]["Absent"] == {"skipped": "no network"}
    assert set(odd["pages"]) == {"edgedigits", "Sevens"}
