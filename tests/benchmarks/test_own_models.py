"""The benchmark of common networks: a real run as small as it goes, and what its table says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.accuracy.own_models import BENCHMARK, faults, own_models_table
from benchmarks.accuracy.own_networks import FOLDER


def file(drop: float, high: float, outcome: str) -> dict[str, Any]:
    return {"bytes": 12_345, "accuracy": 0.9, "drop": drop, "drop_ci95": [-1, high], "flips": 3, "outcome": outcome}


RESULT = {
    "gate": {"name": "accuracy", "margin": 0.5},
    "images": 10_000,
    "machine": {"board": None, "cpu": "a processor", "cores": 2, "python": "3.11.7"},
    "versions": {"keras": "3.15.1"},
    "rows": [
        {
            "network": "CNN", "scale": "1/255", "epochs": 8, "parameters": 34_826, "keras": 0.9, "temperature": 1.0,
            "left_out": {"int8.onnx": "no such layer"},
            "files": {
                "float32.tflite": file(0, 0.04, "passed"), "float16.tflite": file(0, 0.04, "passed"),
                "dynamic-int8.tflite": file(-0.1, 0.1, "passed"), "int8.tflite": file(0.6, 0.9, "failed"),
            },
        }
    ],
}  # fmt: skip


def test_the_table_marks_what_does_not_pass_and_names_what_is_missing() -> None:
    row = own_models_table(RESULT).splitlines()[2]
    assert row == ("| CNN | 34,826 | 90.00% | 12 | 12 | +0.00 / +0.04 | -0.10 / +0.10 | **+0.60 / +0.90** | left out |")


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.exists(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_smallest_run_trains_exports_and_compares_a_network(tmp_path) -> None:
    output = tmp_path / "own.json"
    assert BENCHMARK.main(["--smallest", "-o", str(output)]) == 0
    (row,) = json.loads(output.read_text())["rows"]
    assert row["keras"] > 0.4
    assert set(row["files"]) > {"float32.tflite", "float32.onnx", "int8.tflite", "int8.onnx"}


def test_a_network_that_learned_nothing_is_a_fault() -> None:
    row = RESULT["rows"][0]
    assert faults({**RESULT, "rows": [row, row]}) == []
    poor = {**row, "network": "net", "keras": 0.1}
    assert faults({**RESULT, "rows": [row, poor]}) == [
        "net: expected 85% of the test images right in Keras, found 10.0%"
    ]
