"""How cost grows: every point is measured, none is lost on the way to picture and table."""

from __future__ import annotations

import copy
import json
from importlib.util import find_spec

import pytest

from benchmarks.harness.child import ROOT
from benchmarks.latency.scaling import BENCHMARK, draw_scaling, scaling_table

pytestmark = pytest.mark.slow

RECORD = ROOT / "models" / "small.train.json"


# Models of two widths are made, and every point is a process of its own.
@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The least that can be measured, once for all tests: a few points, one process each, no time."""
    if missing := [name for name in ("tensorflow", "tf2onnx", "onnxruntime") if find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed here")
    output = tmp_path_factory.mktemp("scaling") / "scaling.json"
    assert BENCHMARK.main(["--smallest", "-o", str(output)]) == 0
    return json.loads(output.read_text())


@pytest.fixture
def result(measured):
    return copy.deepcopy(measured)


def points(result, series, *keys):
    return {tuple(row[key] for key in keys) for row in result[series]}


def test_every_engine_precision_and_step_has_its_point(result):
    engines = {row["engine"] for row in result["batch"]}
    assert {"litert", "onnxruntime"} <= engines <= result["versions"].keys()
    lines = {(engine, precision) for engine in engines for precision in ("int8", "float32")}
    assert points(result, "batch", "engine", "precision", "how", "batch") == {
        (*line, how, batch) for line in lines for how in ("classify_batch", "bare") for batch in (1, 4)
    }
    assert points(result, "width", "engine", "precision", "width") == {
        (*line, width) for line in lines for width in (1, 2)
    }
    assert points(result, "threads", "engine", "precision", "width", "threads") == {
        (*line, width, threads) for line in lines for width in (1, 2) for threads in (1, 2)
    }
    assert points(result, "images", "source", "side", "stage") == {
        (source, side, stage) for source in ("array", "png", "jpeg") for side in (28, 64)
        for stage in ("decode", "preprocess", "infer", "total")
    }  # fmt: skip


def test_each_point_lies_between_its_processes(result):
    for series in ("batch", "width", "threads", "images"):
        for row in result[series]:
            assert 0 < row["low"] <= row["us"] <= row["high"]


def test_the_reference_model_has_the_multiplications_that_its_record_states(result):
    assert result["macs"]["1"] == json.loads(RECORD.read_text())["macs"]
    # All but the first convolution and the last layer have twice as many filters in and out.
    assert 3.8 < result["macs"]["2"] / result["macs"]["1"] < 4


def test_the_table_has_a_row_an_engine_and_precision_and_a_row_a_size(result):
    table = scaling_table(result)
    for row in result["batch"]:
        assert f"| {row['engine']} | {row['precision']} |" in table
    assert "| 28 | " in table
    assert "| 64 | " in table
    assert result["bundle"][:12] in table


def test_the_same_result_gives_the_same_picture(result):
    drawn = draw_scaling(result)
    assert drawn.startswith(b"<?xml")
    assert draw_scaling(result) == drawn
    result["batch"][0]["us"] *= 2
    assert draw_scaling(result) != drawn
