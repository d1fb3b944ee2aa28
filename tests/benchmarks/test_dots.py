"""Dots beside the tables: a row each figure, where it belongs, the same bytes for the same figures."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from benchmarks.harness.benchmark import read_result as committed
from benchmarks.harness.dots import COLOURS, Dot, draw_dots
from benchmarks.latency import engines, overhead
from benchmarks.peers import peers

pytestmark = pytest.mark.slow


def expected_labels(name: str, result: dict[str, Any]) -> list[str]:
    if name == "engines":
        return [f"{row['configuration']['variant']} in {row['configuration']['engine']}" for row in result["rows"]]
    if name == "overhead":
        return [f"({row['engine']})" for row in result["rows"]]
    return [row["title"].replace("`", "") for row in result["rows"] if row["reason"] is None]


@pytest.mark.parametrize("module", [engines, overhead, peers])
def test_every_figure_of_the_result_has_a_row(module):
    name, draw = module.BENCHMARK.name, module.BENCHMARK.picture
    result = committed(name)
    for row in result["rows"] if name == "engines" else ():
        row["doubts"] = []  # such rows are not drawn
    drawn = draw(result)
    assert drawn == draw(result)
    assert Xml.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own picture
    comments = [line.strip() for line in drawn.decode().splitlines() if line.strip().startswith("<!-- ")]
    for label in expected_labels(name, result):
        # An apostrophe and an ampersand are written otherwise in XML.
        assert any(label.split("'")[-1] in comment for comment in comments), label


def test_a_larger_figure_lies_further_right_and_the_first_row_on_top():
    for log in (False, True):
        drawn = draw_dots([Dot("a", 1, 1, 1, "ours"), Dot("b", 9, 9, 9, "other")], "µs", log=log).decode()
        places = {}
        for which in ("ours", "other"):
            uses = [line for line in drawn.splitlines() if "<use" in line and COLOURS[which] in line and "x=" in line]
            places[which] = min(
                (float(line.split('x="')[1].split('"')[0]), float(line.split('y="')[1].split('"')[0])) for line in uses
            )
        assert places["ours"][0] < places["other"][0]
        assert places["ours"][1] < places["other"][1]
