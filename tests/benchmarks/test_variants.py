"""The tables of variants and engines, and the picture of size and accuracy with all that is drawn into it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from benchmarks.boards.pi_tables import instructions
from benchmarks.harness.benchmark import read_result as committed
from benchmarks.harness.child import ROOT
from benchmarks.latency.engines import draw_engines, engines_table
from benchmarks.publish.pareto import PUBLISHED, draw_pareto, pareto_phrase
from benchmarks.publish.variants import variants_table
from edgedigits.bundle import SHIPPED
from edgedigits.measure.result import read_result

pytestmark = pytest.mark.slow
SMALL = ("small-int8.tflite", "litert 2.3.0")


def test_the_smallest_run_of_the_engines_is_a_measurement_with_a_row_each(tmp_path):
    words = ["benchmarks.latency.engines", SHIPPED / "small", "--smallest", "-o", tmp_path / "e.json"]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = read_result(tmp_path / "e.json")
    told = json.loads((tmp_path / "e.json").read_text())
    for one in told["rows"]:
        one["doubts"] = []  # of a measurement that is too short to be believed
    assert engines_table(told).count("\n| `small-int8.") == len(found.rows) >= 1


def row(file: str, doubts: list[str], p50_us: float) -> dict[str, Any]:
    asked = {"file": file, "engine": "litert", "threads": 1, "variant": "int8.tflite", "bytes": 2000}
    times = {"load_ms": 1.0, "first_us": 9.0, "p50_us": p50_us, "p50_ci95_us": [p50_us - 1, p50_us + 1]}
    rest = {"p90_us": 5.0, "p99_us": 6.0, "throughput": 1.0, "peak_rss_mb": 1.0}
    return {"configuration": asked, "version": "2.3.0", "doubts": doubts, "summary": {**times, **rest}, "error": None}


def bench(*rows: dict[str, Any]) -> dict[str, Any]:
    machine = {"board": None, "cpu": "a processor", "cores": 2, "python": "3.11"}
    return {"rows": rows, "processes": 10, "machine": machine, "edgedigits": "0.1.0", "absent": []}


def test_times_that_bench_doubts_are_not_published():
    sound, doubtful = row("a-int8.tflite", [], 4.0), row("b-int8.tflite", ["throttled"], 3.0)
    told = engines_table(bench(sound, doubtful))
    assert "`a-int8.tflite`" in told
    assert "`b-int8.tflite`" not in told
    assert "1 of 2 rows are left out" in told
    nothing = engines_table(bench(doubtful))
    assert nothing.startswith("Measured, and not published: 1 of 1 rows")
    assert "|" not in nothing
    assert draw_engines(bench(doubtful)) == b""


def test_a_variant_s_times_are_ratios_first_and_left_out_where_bench_doubts_them():
    parity, pi = committed("parity"), committed("pi")
    measured = copy.deepcopy(committed("engines"))
    ones = [one for one in measured["rows"] if one["configuration"]["threads"] == 1]
    for one in ones:
        one["doubts"] = []
    ones[0]["doubts"] = ["another program"]
    lines = [
        line.split(" | ") for line in variants_table(parity, measured, pi).splitlines()[2:] if line.startswith("|")
    ]
    assert lines[0][-3:] == ["–", "–", "– |"]
    assert min(float(line[-3]) for line in lines[1:]) == 1
    counted = {line[0] + line[1]: line[-4] for line in lines}
    assert counted["| `small-int8.tflite`litert 2.3.0"] == f"{instructions(pi, 'pi4')[SMALL] / 1e3:,.0f}"
    assert "1 rows have no times" in variants_table(parity, measured, pi)


def test_the_picture_names_the_family_and_the_others():
    family, peers = committed("family"), committed("peers")
    drawn = draw_pareto(family, peers)
    assert drawn == draw_pareto(family, peers)
    assert Xml.fromstring(drawn).tag.endswith("svg")  # noqa: S314  our own picture
    for name, *_ in PUBLISHED:
        assert f"{name}: " in pareto_phrase()
        assert f"<!-- {name} -->" in drawn.decode()
    for name in {run["member"] for run in family["runs"]} | {"TensorFlow's tutorial"}:
        assert f"<!-- {name} -->" in drawn.decode()


def test_no_limit_is_undercut_by_a_measured_inference():
    limits = committed("roofline")["model"]
    for row in committed("engines")["rows"]:
        asked = row["configuration"]
        for precision in ("int8", "float32"):
            if asked["threads"] == 1 and f"-{precision}." in asked["file"] and "dynamic" not in asked["file"]:
                assert row["summary"]["p50_us"] > limits[f"{precision}_us"]
