"""Dots beside the tables: a row each figure, where it belongs, the same bytes for the same figures."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the wheel alone has no benchmarks")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return {name: importlib.import_module(name) for name in ("dots", "pictures")}


def committed(name: str) -> dict[str, Any]:
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())


def expected_labels(name: str, result: dict[str, Any]) -> list[str]:
    if name == "engines":
        return [f"{row['configuration']['variant']} in {row['configuration']['engine']}" for row in result["rows"]]
    if name == "overhead":
        return [f"({row['engine']})" for row in result["rows"]]
    if name == "peers":
        return [row["title"].replace("`", "") for row in result["rows"] if row["reason"] is None]
    return [f"round {number + 1}, {how}" for number in range(3) for how in ("LoadGen", "direct")]


@pytest.mark.parametrize("name", ["engines", "overhead", "peers", "loadgen"])
def test_every_figure_of_the_result_has_a_row(scripts, name):
    result = committed(name)
    drawn = getattr(scripts["pictures"], f"draw_{name}")(result)
    assert drawn == getattr(scripts["pictures"], f"draw_{name}")(result)
    assert Xml.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own picture
    comments = [line.strip() for line in drawn.decode().splitlines() if line.strip().startswith("<!-- ")]
    for label in expected_labels(name, result):
        # An apostrophe and an ampersand are written otherwise in XML.
        assert any(label.split("'")[-1] in comment for comment in comments), label


def test_a_larger_figure_lies_further_right_and_the_first_row_on_top(scripts):
    dot, draw = scripts["dots"].Dot, scripts["dots"].draw_dots
    for log in (False, True):
        drawn = draw([dot("a", 1, 1, 1, "ours"), dot("b", 9, 9, 9, "other")], "µs", log=log).decode()
        colours = scripts["dots"].COLOURS
        places = {}
        for which in ("ours", "other"):
            uses = [line for line in drawn.splitlines() if "<use" in line and colours[which] in line and "x=" in line]
            places[which] = min(
                (float(line.split('x="')[1].split('"')[0]), float(line.split('y="')[1].split('"')[0])) for line in uses
            )
        assert places["ours"][0] < places["other"][0]
        assert places["ours"][1] < places["other"][1]
