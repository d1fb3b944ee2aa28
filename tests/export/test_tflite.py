from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from cases import Case, Outputs, assert_probabilities

from edgedigits.errors import UsageError
from edgedigits.manifest import PRECISIONS
from edgedigits_export.compat.check import judge_release
from edgedigits_export.compat.requirements import read_requirements
from edgedigits_export.compat.verdict import EngineRelease
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.lazy_imports import load

pytestmark = pytest.mark.tensorflow

# Largest difference from Keras's probabilities: several times what was seen on these models. float32: rounding order;
# float16: 11 bits of weight; the others: a few quantization steps of weights or of logits.
TOLERANCES = {"float32": 1e-5, "float16": 2e-3, "dynamic-int8": 0.01, "int8": 0.04, "int16x8": 0.02}


def graph_of(data: bytes) -> tuple[Any, Any]:
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    return model, model.subgraphs[0]


def operators_of(data: bytes) -> list[str]:
    model, graph = graph_of(data)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    return [names[model.operatorCodes[operator.opcodeIndex].builtinCode] for operator in graph.operators]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_file_takes_raw_pixels_of_one_image_and_gives_probabilities(case: Case, precision: str) -> None:
    _, graph = graph_of(case.files[f"{precision}.tflite"])
    (image,), (probabilities,) = ([graph.tensors[i] for i in ends] for ends in (graph.inputs, graph.outputs))
    assert (image.name, image.type, list(image.shape)) == (
        b"image", schema.TensorType.UINT8, [1, *case.frozen.input_shape],
    )  # fmt: skip
    assert (probabilities.name, probabilities.type, list(probabilities.shape)) == (
        b"probabilities", schema.TensorType.FLOAT32, [1, case.frozen.classes],
    )  # fmt: skip


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["cnn", "separable", "colour", "two_class", "vector"])
def test_every_engine_computes_as_keras_does(
    cases: dict[str, Case], tflite_outputs: Outputs, name: str, precision: str
) -> None:
    outputs, keras = tflite_outputs[name, precision], cases[name].keras
    assert outputs.shape == keras.shape
    assert_probabilities(outputs)
    assert np.abs(outputs - keras).max() <= TOLERANCES[precision]
    if name in {"cnn", "separable", "vector"}:
        assert (outputs.argmax(axis=1) == keras.argmax(axis=1)).mean() >= 0.98


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_softmax_computes_in_float(case: Case, precision: str) -> None:
    data = case.files[f"{precision}.tflite"]
    _, graph = graph_of(data)
    operators = operators_of(data)
    assert operators.count("SOFTMAX") == 1
    assert operators[-1] == "SOFTMAX"
    softmax = graph.operators[operators.index("SOFTMAX")]
    assert {graph.tensors[i].type for i in (*softmax.inputs, *softmax.outputs)} == {schema.TensorType.FLOAT32}


def test_int8_probabilities_are_not_counted_in_256ths(tflite_outputs: Outputs) -> None:
    outputs = tflite_outputs["cnn", "int8"]
    assert len(np.unique(outputs)) > 700  # of 1,000; an int8 softmax could give 256
    assert (outputs == 0).mean() < 0.01


def test_int8_layers_are_int8_between_cast_and_softmax(cases: dict[str, Case]) -> None:
    operators = operators_of(cases["cnn"].files["int8.tflite"])
    assert operators[:2] == ["CAST", "QUANTIZE"]
    assert operators[-2:] == ["DEQUANTIZE", "SOFTMAX"]
    assert {"QUANTIZE", "DEQUANTIZE"}.isdisjoint(operators[2:-2])


def test_raw_pixels_are_their_own_int8_scale(cases: dict[str, Case]) -> None:
    _, graph = graph_of(cases["cnn"].files["int8.tflite"])
    quantized = graph.tensors[graph.operators[1].outputs[0]].quantization
    assert (list(quantized.scale), list(quantized.zeroPoint)) == ([1.0], [-128])


@pytest.mark.parametrize("precision", ["dynamic-int8", "int8", "int16x8"])
def test_dense_weights_have_one_scale(cases: dict[str, Case], precision: str) -> None:
    data = cases["cnn"].files[f"{precision}.tflite"]
    _, graph = graph_of(data)
    dense = [o for o, name in zip(graph.operators, operators_of(data), strict=True) if name == "FULLY_CONNECTED"]
    assert len(dense) == 2
    for operator in dense:
        scales = graph.tensors[operator.inputs[1]].quantization.scale
        assert scales is None or len(scales) == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_lie_on_multiples_of_16_bytes(case: Case, precision: str) -> None:
    data = case.files[f"{precision}.tflite"]
    model = schema.Model.GetRootAs(data)
    starts = []
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        if field := table.Offset(4):
            starts.append(table.Vector(field))
    assert starts
    assert all(start % 16 == 0 for start in starts)


def test_nothing_idle_is_shipped(case: Case) -> None:
    model, graph = graph_of(case.files["int8.tflite"])
    assert [t.name for t in graph.tensors if t.name] == [b"image", b"probabilities"]
    assert sum(buffer.data is None for buffer in model.buffers) == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_vector_of_numbers_stands_there_twice(case: Case, precision: str) -> None:
    graph = schema.Model.GetRootAs(case.files[f"{precision}.tflite"]).Subgraphs(0)
    places: dict[bytes, set[int]] = {}
    for index in range(graph.TensorsLength()):
        table = graph.Tensors(index)._tab
        if field := table.Offset(4):
            places.setdefault(graph.Tensors(index).ShapeAsNumpy().tobytes(), set()).add(table.Vector(field))
    assert len(places) < graph.TensorsLength()
    assert all(len(found) == 1 for found in places.values())


@pytest.mark.parametrize("precision", sorted({*PRECISIONS} - {"dynamic-int8"}))
def test_dense_layers_flatten_maps_themselves(cases: dict[str, Case], precision: str) -> None:
    data = cases["cnn"].files[f"{precision}.tflite"]
    model, graph = graph_of(data)
    operators = operators_of(data)
    assert "RESHAPE" not in operators
    dense = graph.operators[operators.index("FULLY_CONNECTED")]
    assert len(graph.tensors[dense.inputs[0]].shape) == 4
    used = {int(i) for o in graph.operators for i in (*o.inputs, *o.outputs)} - {-1}
    assert used == set(range(len(graph.tensors)))
    assert {o.opcodeIndex for o in graph.operators} == set(range(len(model.operatorCodes)))


@pytest.mark.parametrize(
    ("precision", "count", "said"), [("int4", 1, "float32, float16"), ("int8", 0, "calibration images")]
)
def test_refusals_say_what_would_do(cases: dict[str, Case], precision: str, count: int, said: str) -> None:
    case = cases["vector"]
    with pytest.raises(UsageError, match=said):
        convert_tflite(case.frozen, precision, case.images[:count])


def test_what_the_converter_cannot_express_is_one_line() -> None:
    layers = load("keras").layers
    stack = [layers.PReLU(), layers.Flatten(), layers.Dense(3)]
    frozen = freeze(load("keras").Sequential([layers.Input((8, 8, 1)), *stack]))
    with pytest.raises(UsageError, match=r"cannot be converted to TFLite int16x8: .*PRELU") as caught:
        convert_tflite(frozen, "int16x8", np.zeros((1, 8, 8, 1), np.uint8))
    assert "\n" not in str(caught.value)


def test_a_dense_layer_with_weights_alone_in_int8_reads_flat_rows(case: Case) -> None:
    """LiteRT 1.1.2 to 1.3.0 computes wrongly where such a layer has to flatten its input itself."""
    requirements = read_requirements(case.files["dynamic-int8.tflite"], "tflite")
    for version in ("1.1.2", "1.2.0", "1.3.0"):
        verdict = judge_release(requirements, "tflite", EngineRelease("litert", version))
        assert verdict.answer == "runs", verdict.why


def test_a_file_with_names_comes_back_as_it_was(cases: dict[str, Case]) -> None:
    """Names of tensors are often alike, and strings are no vectors of numbers."""
    model, graph = graph_of(cases["cnn"].files["float32.tflite"])
    for index, tensor in enumerate(graph.tensors):
        tensor.name = b"network/layer/with/a/name/that/is/long" + bytes(str(index // 2), "ascii")
        tensor.shapeSignature = [index, 7, 7, 7]
    _, again = graph_of(pack(schema, model))
    told = [(tensor.name, list(tensor.shape), list(tensor.shapeSignature)) for tensor in again.tensors]
    assert told == [(tensor.name, list(tensor.shape), list(tensor.shapeSignature)) for tensor in graph.tensors]
