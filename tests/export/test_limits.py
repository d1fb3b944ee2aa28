"""`edgedigits check` on what kernels refuse although operator, version and types exist, compared with real engines."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from onnx import TensorProto, helper
from small_files import onnx_file, tflite

from edgedigits.manifest import Format
from edgedigits_export.compat.check import judge_release, parse_release
from edgedigits_export.compat.requirements import read_requirements

OLD, NEW, ORT = "tflite-runtime==2.14.0", "litert==2.3.0", "onnxruntime==1.32.0"


def verdict(data: bytes, format_: Format, release: str) -> tuple[str, str]:
    found = judge_release(read_requirements(data, format_), format_, parse_release(release))
    return found.answer, found.why


def changed(data: bytes, change: Callable[[Any], object]) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    change(model)
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def litert_runs(data: bytes) -> bool:
    module = pytest.importorskip("ai_edge_litert.interpreter")
    try:
        interpreter = module.Interpreter(model_content=data)
        interpreter.allocate_tensors()
        for entry in interpreter.get_input_details():
            interpreter.set_tensor(entry["index"], np.ones(entry["shape"], entry["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return False
    return True


def dense(scale: float = 0.01, dimension: int = 0) -> bytes:
    """An int8 Dense layer whose weights have a scale and a quantized dimension."""

    def change(model: Any) -> None:
        source, weights, bias = (model.subgraphs[0].tensors[index].quantization for index in range(3))
        weights.scale, weights.quantizedDimension = np.array([scale], np.float32), dimension
        bias.scale, bias.zeroPoint = source.scale * np.float32(scale), np.zeros(1, np.int64)

    return changed(tflite("FULLY_CONNECTED", "INT8", 4, "INT8"), change)


@pytest.mark.parametrize(
    ("data", "what", "on_old", "on_new"),
    [
        (dense(), "", "runs", "runs"),
        (dense(dimension=2), "a quantized dimension outside its tensor", "cannot run", "cannot run"),
        (dense(scale=255), "", "runs", "runs"),
        (dense(scale=256), "a requantization scale of 256 or more", "runs", "cannot run"),
    ],
)
def test_quantization_that_kernels_refuse_is_named_and_the_engine_agrees(
    data: bytes, what: str, on_old: str, on_new: str
) -> None:
    answers = {release: verdict(data, "tflite", release) for release in (OLD, NEW)}
    assert [answers[OLD][0], answers[NEW][0]] == [on_old, on_new]
    assert what in answers[NEW][1]
    if version("ai-edge-litert") == "2.3.0":
        assert litert_runs(data) == (on_new == "runs")


def test_an_input_that_nothing_gives_is_refused_everywhere() -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].inputs = []

    data = changed(tflite("RELU", "FLOAT32"), change)
    for release in (OLD, NEW):
        assert verdict(data, "tflite", release)[0] == "cannot run"
    assert not litert_runs(data)


@pytest.mark.parametrize(
    ("release", "answer"),
    [("litert==1.0.1", "runs"), ("litert==1.1.2", "computes wrongly"), ("litert==1.4.0", "runs")],
)
def test_a_dense_layer_that_flattens_its_input_computes_wrongly_in_some_releases(release: str, answer: str) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].shape = [1, 2, 2]

    flattening = changed(tflite("FULLY_CONNECTED", "FLOAT32", 9, "INT8"), change)
    assert verdict(flattening, "tflite", release)[0] == answer
    assert verdict(tflite("FULLY_CONNECTED", "FLOAT32", 9, "INT8"), "tflite", release)[0] == "runs"


def onnx_bytes(node: Any, inputs: dict[str, tuple[int, list[int]]], output: int = 1, opset: int = 14) -> bytes:
    values = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
    outputs = [helper.make_tensor_value_info(name, output, None) for name in node.output if name]
    model = helper.make_model(
        helper.make_graph([node], "graph", values, outputs),
        opset_imports=[helper.make_opsetid(node.domain, opset)],
        ir_version=7,
    )
    return bytes(model.SerializeToString())


def lstm(layout: int) -> bytes:
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=2, layout=layout)
    return onnx_bytes(node, {"x": (1, [1, 3, 4]), "w": (1, [1, 8, 4]), "r": (1, [1, 8, 2])})


def power(exponent: int) -> bytes:
    node = helper.make_node("Pow", ["x", "p"], ["y"])
    return onnx_bytes(node, {"x": (1, [2]), "p": (exponent, [2])})


def trees(ml_opset: int) -> bytes:
    node = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.0], scale=[2.0])
    return onnx_bytes(node, {"x": (1, [1, 3])}, opset=ml_opset)


@pytest.mark.parametrize(
    ("data", "answer", "why"),
    [
        (lstm(0), "runs", ""),
        (lstm(1), "cannot run", "LSTM with layout 1 does not run in onnxruntime 1.32.0, nor in any other release"),
        (power(TensorProto.INT64), "runs", ""),
        (power(TensorProto.UINT32), "cannot run", "Pow has no kernel for float, uint32 in onnxruntime 1.32.0"),
        (trees(1), "runs", ""),
        (onnx_file("Relu", opset=6, ir_version=3), "runs", ""),
        (onnx_file("Relu", opset=1, ir_version=3), "cannot run", "Relu has no kernel for float"),
    ],
)
def test_onnxruntime_agrees_on_attributes_types_and_old_opsets(data: bytes, answer: str, why: str) -> None:
    found = verdict(data, "onnx", ORT)
    assert found[0] == answer
    assert why in found[1]
    if version("onnxruntime") == "1.32.0":
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception:  # noqa: BLE001  # its types are many
            assert answer != "runs"
        else:
            assert answer == "runs"


@pytest.mark.parametrize(("release", "answer"), [("1.12.1", "computes wrongly"), ("1.13.1", "runs")])
def test_a_transposed_convolution_with_auto_pad_same_computes_otherwise_in_old_releases(
    release: str, answer: str
) -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])
    data = onnx_bytes(node, {"x": (1, [1, 1, 3, 3]), "w": (1, [1, 2, 3, 3])}, opset=11)
    assert verdict(data, "onnx", f"onnxruntime=={release}")[0] == answer


def custom(name: str) -> bytes:
    def change(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = name.encode()

    return changed(tflite("RELU", "FLOAT32"), change)


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("edgetpu-custom-op", "Edge TPUs"),
        ("ethos-u", "Ethos-U"),
        ("FlexErf", "TensorFlow itself"),
        ("TransformLandmarks", "MediaPipe"),
        ("MyOwn", "programs that bring it with them"),
    ],
)
def test_a_custom_operator_is_known_by_its_name_with_those_who_have_it(name: str, has: str) -> None:
    data = custom(name)
    for release in (OLD, NEW):
        answer, why = verdict(data, "tflite", release)
        assert answer == "cannot run"
        assert f"{name} is a custom operator" in why
        assert has in why
    assert not litert_runs(data)


def test_an_onnx_operator_of_a_foreign_domain_is_known_not_to_be_there() -> None:
    model = onnx.load_model_from_string(onnx_file("Relu"))
    model.graph.node[0].domain = "ai.onnx.contrib"
    model.opset_import.add(domain="ai.onnx.contrib", version=1)
    answer, why = verdict(bytes(model.SerializeToString()), "onnx", ORT)
    assert answer == "cannot run"
    assert "onnxruntime-extensions" in why


@pytest.mark.parametrize("release", ["onnxruntime==1.6.0", ORT])
def test_no_cure_names_an_option_that_a_lone_file_does_not_have(release: str) -> None:
    for data in (onnx_file("Relu", opset=17, ir_version=8), onnx_file("Relu", opset=99), power(TensorProto.UINT8)):
        found = judge_release(read_requirements(data, "onnx"), "onnx", parse_release(release))
        assert "--" not in found.cure
        assert "variant" not in found.cure
