"""The benchmark of training on the grid: what its table says, what is a fault, and the committed result."""

from __future__ import annotations

from typing import Any

from benchmarks.accuracy.quantization_training import faults, quantization_training_table
from benchmarks.harness.benchmark import read_result


def file(accuracy: float, agreement: float | None = None) -> dict[str, Any]:
    told = {"accuracy": accuracy} | ({} if agreement is None else {"agreement": agreement})
    return {"bytes": 12_345, "engines": {"litert": told, "tflite-runtime": told}}


def result(**changed: Any) -> dict[str, Any]:
    files = {"plain": file(0.85), "ranges": file(0.88), "trained": file(0.899, 0.9995), **changed}
    return {
        "images": 10_000, "epochs": 3, "quantized_epochs": 3, "versions": {"keras": "3.15.1"},
        "machine": {"board": None, "cpu": "a processor", "cores": 2, "python": "3.11.7"},
        "rows": [{"network": "net", "parameters": 6_826, "float": 0.9, "twin": 0.899, "files": files}],
    }  # fmt: skip


def test_the_table_tells_what_each_file_loses() -> None:
    row = quantization_training_table(result()).splitlines()[2]
    assert row == "| net | 6,826 | 90.00% | +5.00 | +2.00 | +0.10 | 99.95% | +0.10, 99.95% |"


def test_a_missed_goal_is_a_fault() -> None:
    assert faults(result()) == []
    assert faults(result(plain=file(0.89), trained=file(0.89, 0.998))) == [
        "net: expected plain int8 to lose at least 2 points, found 1.00",
        "net: expected at most 0.3 points lost after training, found 1.00",
        "net: expected the same answer on 99.9%, found 99.80%",
    ]
    assert faults(result(trained=file(0.1, 0.1)) | {"images": 4_000}) == []  # the smallest run hardly trains


def test_the_committed_result_meets_the_goals() -> None:
    assert faults(read_result("quantization-training")) == []
