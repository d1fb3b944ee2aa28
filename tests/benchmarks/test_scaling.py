"""How cost grows: every point is measured, none is lost on the way to picture and table."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCALING = BENCHMARKS / "scaling"
RECORD = BENCHMARKS.parent / "models" / "small.train.json"
pytestmark = pytest.mark.skipif(not SCALING.is_dir(), reason="the wheel alone has no benchmarks")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The least that can be measured, once for all tests: a few points, one process each, no time."""
    if missing := [name for name in ("tensorflow", "tf2onnx", "onnxruntime") if find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed here")
    folder = tmp_path_factory.mktemp("scaling")
    command = [sys.executable, SCALING / "run.py", "--smallest", "-o", folder / "r.json", "--picture", folder / "r.svg"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "r.json").read_text()), (folder / "r.svg").read_bytes(), done.stdout


@pytest.fixture
def result(measured):
    return copy.deepcopy(measured[0])


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from scaling.panels import draw_scaling

    return draw_scaling


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


def test_the_table_has_a_row_an_engine_and_precision_and_a_row_a_size(measured, result):
    table = measured[2]
    for row in result["batch"]:
        assert f"| {row['engine']} | {row['precision']} |" in table
    assert "| 28 | " in table
    assert "| 64 | " in table
    assert result["bundle"][:12] in table


def test_the_same_result_gives_the_same_picture(measured, result, drawn):
    assert measured[1].startswith(b"<?xml")
    assert drawn(result) == measured[1]
    result["batch"][0]["us"] *= 2
    assert drawn(result) != measured[1]
