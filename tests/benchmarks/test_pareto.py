"""The engines' table, and the picture of size, accuracy and latency with all that is drawn into it."""

from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree as Xml

import pytest

from benchmarks.harness.benchmark import read_result as committed
from benchmarks.harness.child import ROOT
from benchmarks.latency.engines import engines_table
from benchmarks.publish.pareto import draw_pareto, join_results, pareto_table
from edgedigits.bundle import SHIPPED
from edgedigits.measure.result import read_result

pytestmark = pytest.mark.slow


def test_the_smallest_run_of_the_engines_is_a_measurement_with_a_row_each(tmp_path):
    words = ["benchmarks.latency.engines", SHIPPED / "small", "--smallest", "-o", tmp_path / "e.json"]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = read_result(tmp_path / "e.json")
    table = engines_table(json.loads((tmp_path / "e.json").read_text()))
    assert table.count("\n| `small-int8.") == len(found.rows) >= 1


def test_the_committed_pareto_is_made_of_the_committed_results():
    parts = [committed(name) for name in ("family", "family-latency", "peers")]
    assert join_results(*parts) == committed("pareto")


def test_times_of_another_machine_are_left_out_of_the_picture():
    family, latency, peers = (committed(name) for name in ("family", "family-latency", "peers"))
    for cpu, told in ((latency["machine"]["cpu"], True), ("another", False)):
        asked = {**peers, "machine": {**peers["machine"], "cpu": cpu}}
        (tutorial,) = (
            other
            for other in join_results(family, latency, asked)["others"]
            if other["name"] == "TensorFlow's tutorial"
        )
        assert (tutorial["p50_us"] is not None) == told


def test_the_picture_names_the_family_and_the_others():
    result = committed("pareto")
    drawn = draw_pareto(result)
    assert drawn == draw_pareto(result)
    assert Xml.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own picture
    told = pareto_table(result)
    for name in result["sources"]:
        assert f"{name}: " in told
    for point in result["family"] + result["others"]:
        assert f"<!-- {point['name']} -->" in drawn.decode()


def test_no_limit_is_undercut_by_a_measured_inference():
    limits = committed("roofline")["model"]
    for row in committed("engines")["rows"]:
        asked = row["configuration"]
        for precision in ("int8", "float32"):
            if asked["threads"] == 1 and f"-{precision}." in asked["file"] and "dynamic" not in asked["file"]:
                assert row["summary"]["p50_us"] > limits[f"{precision}_us"]
