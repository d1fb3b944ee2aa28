"""Contributed boards: only whole measurements of physical ones, and their doubts beside their figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.boards.contributed import contributed, contributed_table
from edgedigits.errors import InputError
from edgedigits.measure.result import SCHEMA

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def board() -> dict[str, Any]:
    """A measurement that was made here, as if a Raspberry Pi had."""
    values = json.loads((BENCHMARKS / "results" / "engines.json").read_text())
    values["schema"] = SCHEMA
    for row in values["rows"]:
        row["configuration"].setdefault("shapes", [])
    values["machine"].update(board="Raspberry Pi 4 Model B Rev 1.4", virtual=None)
    values["warnings"] = ["the governor is ondemand"]
    return values


def test_what_is_in_the_repository_can_be_read_and_is_of_physical_boards():
    assert len(contributed()) == len(list((BENCHMARKS / "boards").glob("*.json")))


def test_a_board_has_a_row_each_configuration_with_its_doubts(board, tmp_path):
    (tmp_path / "pi4.json").write_text(json.dumps(board))
    table = contributed_table(contributed(tmp_path))
    assert table.count("\n| Raspberry Pi 4 Model B Rev 1.4 | ") == len(board["rows"])
    assert table.count("the governor is ondemand") == len(board["rows"])


@pytest.mark.parametrize("change", [{"board": None}, {"emulated": True}, {"virtual": True}])
def test_what_is_no_physical_board_is_refused(board, tmp_path, change):
    board["machine"].update(change)
    (tmp_path / "x.json").write_text(json.dumps(board))
    with pytest.raises(InputError, match="expected a whole measurement of a physical board"):
        contributed(tmp_path)


def test_an_interrupted_one_is_refused(board, tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({**board, "complete": False}))
    with pytest.raises(InputError):
        contributed(tmp_path)


def test_without_any_the_page_says_so(tmp_path):
    assert contributed_table(contributed(tmp_path)) == "Nobody has contributed a board yet."
