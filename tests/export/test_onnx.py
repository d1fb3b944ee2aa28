from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from cases import Case, assert_probabilities
from numpy.typing import NDArray

from edgedigits.errors import BundleError, UsageError
from edgedigits_export.convert.onnx import annotate_onnx, convert_onnx
from edgedigits_export.convert.onnx_int8 import quantize_onnx
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.lazy_imports import load

pytestmark = pytest.mark.tensorflow

FILES = ("float32.onnx", "int8.onnx")


def session_of(data: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def outputs_of(data: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    (outputs,) = session_of(data).run(["probabilities"], {"image": images})
    return np.asarray(outputs)


@pytest.mark.parametrize("file", FILES)
def test_every_file_takes_any_number_of_raw_images_and_gives_probabilities(case: Case, file: str) -> None:
    session = session_of(case.files[file])
    (image,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["N", *case.frozen.input_shape])
    assert (probabilities.name, probabilities.type) == ("probabilities", "tensor(float)")
    assert probabilities.shape == ["N", case.frozen.classes]


@pytest.mark.parametrize("file", FILES)
def test_a_batch_computes_as_its_images_do_alone(case: Case, file: str) -> None:
    together = outputs_of(case.files[file], case.images[:7])
    alone = np.concatenate([outputs_of(case.files[file], image[np.newaxis]) for image in case.images[:7]])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_float32_computes_as_keras_does(case: Case) -> None:
    outputs = outputs_of(case.files["float32.onnx"], case.images)
    np.testing.assert_allclose(outputs, case.keras, atol=1e-5)


def test_int8_agrees_with_keras(case: Case) -> None:
    outputs = outputs_of(case.files["int8.onnx"], case.images)
    assert_probabilities(outputs)
    assert np.abs(outputs - case.keras).max() <= 0.04
    if len(case.images) == 100:
        assert (outputs.argmax(axis=1) == case.keras.argmax(axis=1)).mean() >= 0.98


def test_int8_probabilities_are_not_counted_in_256ths(cases: dict[str, Case]) -> None:
    assert len(np.unique(outputs_of(cases["cnn"].files["int8.onnx"], cases["cnn"].images))) > 700


def test_softmax_and_scaling_stay_float(case: Case) -> None:
    graph = onnx.load_model_from_string(case.files["int8.onnx"]).graph
    operators = [node.op_type for node in graph.node]
    assert operators[-1] == "Softmax"
    assert list(graph.node[-1].output) == ["probabilities"]
    on_the_way = [name for name in operators if name != "DequantizeLinear"]
    assert on_the_way[0] == "Cast"
    scaling = set(on_the_way[: on_the_way.index("QuantizeLinear")])
    assert scaling <= {"Cast", "Mul", "Add", "Pad", "Reshape", "Transpose"}


def test_weights_are_int8_with_one_scale_a_channel(cases: dict[str, Case]) -> None:
    graph = onnx.load_model_from_string(cases["cnn"].files["int8.onnx"]).graph
    made_by = {node.output[0]: node for node in graph.node}
    constants = {initializer.name: initializer for initializer in graph.initializer}
    weighted = [node for node in graph.node if node.op_type in {"Conv", "Gemm"}]
    assert len(weighted) == 4
    for node in weighted:
        values, scales, _ = (constants[name] for name in made_by[node.input[1]].input)
        assert values.data_type == onnx.TensorProto.INT8
        channels = values.dims[0 if node.op_type == "Conv" else 1]
        assert list(scales.dims) == [channels]


def test_weights_leave_room_for_sums_of_two_products_in_16_bits(case: Case) -> None:
    """Processors of x86 without VNNI add pairs in 16 bits: 255 * 64 * 2 fits, 255 * 127 * 2 does not."""
    model = onnx.load_model_from_string(case.files["int8.onnx"])
    weights = {node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    found = [onnx.numpy_helper.to_array(one) for one in model.graph.initializer if one.name in weights]
    largest = [int(np.abs(values.astype(int)).max()) for values in found if values.dtype == np.int8 and values.ndim > 1]
    assert 32 < max(largest) <= 64


@pytest.mark.parametrize("file", FILES)
def test_no_shape_is_computed_at_run_time(case: Case, file: str) -> None:
    graph = onnx.load_model_from_string(case.files[file]).graph
    constants = {initializer.name for initializer in graph.initializer}
    operators = [node.op_type for node in graph.node]
    assert {"Shape", "Gather"}.isdisjoint(operators)
    # The one that leaves a class out knows beforehand which.
    sliced = [node for node in graph.node if node.op_type == "Slice"]
    assert [node.op_type for node in sliced] == operators[operators.index("Softmax") + 1 :]
    assert all(constants.issuperset(node.input[1:]) for node in sliced)


@pytest.mark.parametrize(("opset", "ir_version"), [(13, 7), (15, 8), (17, 8)])
def test_the_asked_opset_is_kept_through_quantization(cases: dict[str, Case], opset: int, ir_version: int) -> None:
    case = cases["separable"]
    float32 = convert_onnx(case.frozen, opset)
    for data in (float32, quantize_onnx(float32, case.images[:20])):
        model = onnx.load_model_from_string(data)
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
        assert model.ir_version == ir_version


def test_layers_of_training_vanish_and_gelu_is_spelt_out() -> None:
    layers = load("keras").layers
    stack = [layers.RandomRotation(0.1), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="gelu")]
    stack += [layers.Dropout(0.5), layers.Flatten(), layers.Dense(3)]
    frozen = freeze(load("keras").Sequential([layers.Input((9, 9, 1)), *stack]))
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 9, 1), dtype=np.uint8)
    data = convert_onnx(frozen)
    np.testing.assert_allclose(outputs_of(data, images), frozen.predict(images), atol=1e-5)
    assert [node.op_type for node in onnx.load_model_from_string(data).graph.node].count("Erf") == 1


def test_a_dense_layer_is_one_gemm_so_that_its_bias_keeps_32_bits(cases: dict[str, Case]) -> None:
    graph = onnx.load_model_from_string(cases["vector"].files["int8.onnx"]).graph
    made_by = {node.output[0]: node for node in graph.node}
    constants = {initializer.name: initializer for initializer in graph.initializer}
    dense = [node for node in graph.node if node.op_type == "Gemm"]
    assert len(dense) == 2
    for node in dense:
        assert constants[made_by[node.input[2]].input[0]].data_type == onnx.TensorProto.INT32


def test_what_tf2onnx_cannot_express_is_one_line(cases: dict[str, Case], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise KeyError("first\nsecond")

    monkeypatch.setattr(load("tf2onnx").convert, "from_graph_def", fail)
    with pytest.raises(UsageError, match="cannot be converted to ONNX opset 13: ") as caught:
        convert_onnx(cases["vector"].frozen)
    assert "\n" not in str(caught.value)


def test_what_onnxruntime_cannot_quantize_is_one_line(cases: dict[str, Case]) -> None:
    case = cases["vector"]
    with pytest.raises(UsageError, match="cannot be quantized") as caught:
        quantize_onnx(case.files["float32.onnx"], case.images[:, :5])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", FILES)
def test_no_weight_is_kept_elsewhere_and_no_trace_of_this_machine(case: Case, file: str) -> None:
    data = case.files[file]
    model = onnx.load_model_from_string(data)
    assert not any(initializer.external_data for initializer in model.graph.initializer)
    assert b"/tmp" not in data
    assert b"sequential" not in data


def test_metadata_is_written_sorted_and_replaced(cases: dict[str, Case]) -> None:
    data = cases["vector"].files["float32.onnx"]
    first = annotate_onnx(data, {"labels": "0,1", "contract": "1"})
    assert first == annotate_onnx(data, {"contract": "1", "labels": "0,1"})
    second = annotate_onnx(first, {"labels": "a,b"})
    assert session_of(second).get_modelmeta().custom_metadata_map == {"labels": "a,b"}


@pytest.mark.parametrize("opset", [12, 19])
def test_an_opset_out_of_range_is_refused(cases: dict[str, Case], opset: int) -> None:
    with pytest.raises(UsageError, match=f"13 to 18, found {opset}"):
        convert_onnx(cases["vector"].frozen, opset)


def test_int8_without_calibration_is_refused(cases: dict[str, Case]) -> None:
    case = cases["vector"]
    with pytest.raises(UsageError, match="calibration images"):
        quantize_onnx(case.files["float32.onnx"], case.images[:0])


@pytest.mark.parametrize("data", [b"text", b"\x08\x07\x12", b"\xff" * 100])
def test_other_bytes_are_no_onnx_file(data: bytes) -> None:
    with pytest.raises(BundleError, match="expected an ONNX file"):
        annotate_onnx(data, {})
