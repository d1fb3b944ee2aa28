"""The roofline of one core: every way to multiply is asked, and the best of them counts."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO

import pytest

from benchmarks.harness.child import ROOT
from benchmarks.latency.roofline import BENCHMARK, limits, roofline_table, roofline_us

pytestmark = pytest.mark.slow

RECORD = ROOT / "models" / "small.train.json"


# TensorFlow makes the products' files in a process of its own, and each is run in another.
@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """One small product in every form, one process each."""
    if missing := [name for name in ("tensorflow", "onnx", "onnxruntime") if find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed here")
    output = tmp_path_factory.mktemp("roofline") / "roofline.json"
    with redirect_stdout(StringIO()) as printed:
        assert BENCHMARK.main(["--smallest", "-o", str(output)]) == 0
    return json.loads(output.read_text()), printed.getvalue()


def test_numpy_and_every_engine_multiply_in_each_precision_they_have(measured):
    found = {(row["engine"], row["precision"]) for row in measured[0]["details"]}
    assert {("numpy", "float32"), ("litert", "float32"), ("litert", "int8")} <= found
    assert {("onnxruntime", "float32"), ("onnxruntime", "int8")} <= found
    assert ("numpy", "int8") not in found, "numpy has no BLAS for integers"
    operators = {row["operator"] for row in measured[0]["details"]}
    assert {"FULLY_CONNECTED", "MatMul", "MatMulInteger", "QLinearMatMul"} < operators


def test_the_best_is_the_roofline(measured):
    result = measured[0]
    for precision in ("float32", "int8"):
        rates = [row["high"] for row in result["details"] if row["precision"] == precision]
        assert result[f"{precision}_gmacs"] == max(rates)
        assert 0.01 < max(rates) < 100_000


def test_the_roofline_of_the_reference_model_follows_from_its_multiplications(measured):
    result = measured[0]
    assert result["model"]["macs"] == json.loads(RECORD.read_text())["macs"]
    for precision in ("float32", "int8"):
        us = result["model"]["macs"] / result[f"{precision}_gmacs"] / 1e3
        assert roofline_us(result, precision, result["model"]["macs"]) == pytest.approx(us)
        assert result["model"][f"{precision}_us"] == pytest.approx(us, abs=0.01)
    assert roofline_us({"int8_gmacs": 500.0}, "int8", 1_500_000) == pytest.approx(3.0)


def test_a_disturbed_process_does_not_lower_the_roofline():
    rows = [
        {"precision": "float32", "gmacs": 90.0, "high": 140.0},
        {"precision": "float32", "gmacs": 120.0, "high": 125.0},
        {"precision": "int8", "gmacs": 400.0, "high": 500.0},
    ]
    assert limits(rows) == {"float32_gmacs": 140.0, "int8_gmacs": 500.0}


def test_the_table_has_a_row_for_each_way_to_multiply(measured):
    result, table = measured
    assert roofline_table(result) in table
    for row in result["details"]:
        assert f"| {row['precision']} | {row['engine']} {row['operator']} | {row['gmacs']:.0f} |" in table
    assert f"{result['model']['macs'] / 1e6:.2f} million" in table
