"""The engines' table, and the picture of size, accuracy and latency with all that is drawn into it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from edgedigits.bundle import SHIPPED
from edgedigits.measure.result import read_result

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the wheel alone has no benchmarks")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return {name: importlib.import_module(name) for name in ("engines", "front")}


def committed(name: str) -> dict[str, Any]:
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())


def test_the_smallest_run_of_the_engines_is_a_measurement_with_a_row_each(scripts, tmp_path):
    words = [SHIPPED / "small", "--smallest", "-o", tmp_path / "e.json"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "engines.py", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = read_result(tmp_path / "e.json")
    table = scripts["engines"].engines_table(json.loads((tmp_path / "e.json").read_text()))
    assert table.count("\n| `small-int8.") == len(found.rows) >= 1


def test_the_committed_front_is_made_of_the_committed_results(scripts):
    parts = [committed(name) for name in ("family", "family-latency", "peers")]
    assert json.loads(json.dumps(scripts["front"].result(*parts))) == committed("front")


def test_times_of_another_machine_are_left_out_of_the_front(scripts):
    family, latency, peers = (committed(name) for name in ("family", "family-latency", "peers"))
    for cpu, told in ((latency["machine"]["cpu"], True), ("another", False)):
        asked = {**peers, "machine": {**peers["machine"], "cpu": cpu}}
        (tutorial,) = (
            other
            for other in scripts["front"].result(family, latency, asked)["others"]
            if other["name"] == "TensorFlow's tutorial"
        )
        assert (tutorial["p50_us"] is not None) == told


def test_the_picture_names_the_family_and_the_others(scripts):
    front = committed("front")
    drawn = scripts["front"].picture(front)
    assert drawn == scripts["front"].picture(front)
    assert Xml.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own picture
    told = scripts["front"].front_table(front)
    for name in front["sources"]:
        assert f"{name}: " in told
    for point in front["family"] + front["others"]:
        assert f"<!-- {point['name']} -->" in drawn.decode()


def test_no_limit_is_undercut_by_a_measured_inference(scripts):
    limits = committed("limit")["model"]
    for row in committed("engines")["rows"]:
        asked = row["configuration"]
        for precision in ("int8", "float32"):
            if asked["threads"] == 1 and f"-{precision}." in asked["file"] and "dynamic" not in asked["file"]:
                assert row["summary"]["p50_us"] > limits[f"{precision}_us"]
