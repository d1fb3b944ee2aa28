"""Files that nobody made for this project are measured, too: other types, other shapes, fixed and free batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from small_files import onnx_file, tflite

from edgedigits.cli.main import main
from edgedigits.engines import installed_engines
from edgedigits.input_shapes import InputShape
from edgedigits.isolation import run_isolated
from edgedigits.measure import worker
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.sample import Sample
from edgedigits.model import lone_model
from edgedigits.records import from_plain, to_plain


def onnx_of(kind: int, shape: list[Any], operator: str = "Abs") -> bytes:
    """An .onnx file of one operator on any shape; a name in it is a free axis."""
    ends = [helper.make_tensor_value_info(name, kind, shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "graph", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    return bytes(model.SerializeToString())


# Name: the file's bytes, and the type and shape of the input that it is measured with.
FILES: dict[str, tuple[Callable[[], bytes], str, tuple[int, ...]]] = {
    "float.onnx": (lambda: onnx_of(TensorProto.FLOAT, ["N", 3, 5, 2, 7]), "float32", (6, 3, 5, 2, 7)),
    "int32.onnx": (lambda: onnx_of(TensorProto.INT32, ["N", "T", 3]), "int32", (2, 9, 3)),
    "flags.onnx": (lambda: onnx_of(TensorProto.BOOL, ["N", 5], "Not"), "bool", (1, 5)),
    "double.onnx": (lambda: onnx_of(TensorProto.DOUBLE, ["N", 11]), "float64", (60, 11)),
    "inner.onnx": (lambda: onnx_of(TensorProto.FLOAT, [1, "T"]), "float32", (1, 8)),
    "fixed.onnx": (lambda: onnx_file("Abs"), "float32", (1, 4)),
    "float.tflite": (lambda: tflite("ABS", "FLOAT32"), "float32", (1, 4)),
    "int32.tflite": (lambda: tflite("NEG", "INT32"), "int32", (1, 4)),
    "flags.tflite": (lambda: tflite("LOGICAL_NOT", "BOOL"), "bool", (1, 4)),
    "int8.tflite": (lambda: tflite("TANH", "INT8"), "int8", (1, 4)),
}


def asked(path: Path, shape: tuple[int, ...]) -> list[Configuration]:
    """The file in each engine here."""
    model, name = lone_model(path), "x" if path.suffix == ".onnx" else "tensor"
    shapes = (InputShape(name, shape),)
    return [
        Configuration(str(path), path.name, len(model.data), model.sha256, None, None, engine, 1, {}, 1, shapes, None)
        for engine in installed_engines(model.format)
    ]


@pytest.fixture(params=list(FILES))
def name(request: pytest.FixtureRequest) -> str:
    """Each kind of file in turn."""
    return str(request.param)


@pytest.fixture
def file(name: str, tmp_path: Path) -> Path:
    """It, written."""
    (tmp_path / name).write_bytes(FILES[name][0]())
    return tmp_path / name


@pytest.mark.slow
def test_any_type_and_shape_is_measured_in_a_process(name: str, file: Path) -> None:
    for one in asked(file, FILES[name][2]):
        words = [json.dumps(to_plain(one)), "0", "20"]
        found = from_plain(Sample, run_isolated("edgedigits.measure.worker", words, file.name), "sample")
        assert len(found.total()) == 20


def test_the_input_has_the_files_type_and_the_shape_that_is_asked_for(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, dtype, shape = FILES[name]
    fed: list[Any] = []
    real = worker.random_inputs
    monkeypatch.setattr(worker, "random_inputs", lambda *words: fed.append(real(*words)) or fed[-1])
    for one in asked(file, shape):
        run_once, _, _ = worker._inference_run(one)
        assert len(run_once()) == 1
        (value,) = fed[-1]
        assert (value.dtype, value.shape) == (dtype, shape)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shape"), [("fixed.onnx", "[1, 4]"), ("inner.onnx", "[1, free]")])
def test_a_batch_for_a_fixed_first_axis_is_refused_before_anything_is_measured(
    name: str, file: Path, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["bench", str(file), "--batch", "4", "--seconds", "0", "--processes", "5", "--json"])
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.splitlines() == [
        f"edgedigits: {name}: expected a free first dimension for a batch of 4, found 'x' {shape}"
    ]
