"""Contributed boards: only whole measurements of physical ones, and their doubts beside their figures."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edgedigits.errors import InputError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the wheel alone has no benchmarks")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("contributed")


@pytest.fixture
def board() -> dict[str, Any]:
    """A measurement that was made here, as if a Raspberry Pi had."""
    values = json.loads((BENCHMARKS / "results" / "engines.json").read_text())
    values["machine"].update(board="Raspberry Pi 4 Model B Rev 1.4", virtual=None)
    values["warnings"] = ["the governor is ondemand"]
    return values


def test_what_is_in_the_repository_can_be_read_and_is_of_physical_boards(scripts):
    assert len(scripts.contributed()) == len(list((BENCHMARKS / "boards").glob("*.json")))


def test_a_board_has_a_row_each_configuration_with_its_doubts(scripts, board, tmp_path):
    (tmp_path / "pi4.json").write_text(json.dumps(board))
    table = scripts.contributed_table(scripts.contributed(tmp_path))
    assert table.count("\n| Raspberry Pi 4 Model B Rev 1.4 | ") == len(board["rows"])
    assert table.count("the governor is ondemand") == len(board["rows"])


@pytest.mark.parametrize("change", [{"board": None}, {"emulated": True}, {"virtual": True}])
def test_what_is_no_physical_board_is_refused(scripts, board, tmp_path, change):
    board["machine"].update(change)
    (tmp_path / "x.json").write_text(json.dumps(board))
    with pytest.raises(InputError, match="expected a whole measurement of a physical board"):
        scripts.contributed(tmp_path)


def test_an_interrupted_one_is_refused(scripts, board, tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({**board, "complete": False}))
    with pytest.raises(InputError):
        scripts.contributed(tmp_path)


def test_without_any_the_page_says_so(scripts, tmp_path):
    assert scripts.contributed_table(scripts.contributed(tmp_path)) == "Nobody has contributed a board yet."
