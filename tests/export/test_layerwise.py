"""Layer by layer: a fault in the third layer of a model is found there, in every precision and both formats."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.console.output import Output
from edgedigits.console.requests import PerLayerRequest
from edgedigits.errors import BundleError, ModelRejectedError, OutputError, UsageError
from edgedigits.manifest import PRECISIONS
from edgedigits_export.cli import per_layer
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.layerwise.compare import (
    EXACT_DB,
    TOLERANCES,
    LayerReport,
    LayerRow,
    LayerwiseReference,
    first_departure,
    sqnr_db,
)
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

KERAS = Path(__file__).parents[2] / "models" / "small.keras"
FILES = [*(f"{precision}.tflite" for precision in PRECISIONS), "float32.onnx", "int8.onnx"]
WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "Conv", "Gemm", "MatMul"}


def sabotage_tflite(data: bytes, number: int, factor: float) -> bytes:
    """Multiply the weights of one layer, integers by their scale."""
    schema = load("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    kinds = [names[model.operatorCodes[operator.opcodeIndex].builtinCode] for operator in graph.operators]
    index = graph.operators[[i for i, kind in enumerate(kinds) if kind in WEIGHTED][number]].inputs[1]
    # float16 weights go through a DEQUANTIZE first
    source = {operator.outputs[0]: operator.inputs[0] for operator in graph.operators}
    tensor = graph.tensors[source.get(index, index)]
    if tensor.quantization is not None and tensor.quantization.scale is not None:
        tensor.quantization.scale = np.asarray(tensor.quantization.scale) * factor
    else:
        kind = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}[tensor.type]
        buffer = model.buffers[tensor.buffer]
        values = np.frombuffer(bytes(buffer.data), kind) * kind(factor)
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return pack(schema, model)


def sabotage_onnx(data: bytes, number: int, factor: float) -> bytes:
    """Multiply the weights of one layer, integers by their scale, in an ONNX file."""
    onnx = load("onnx")
    model = onnx.load_model_from_string(data)
    name = [node for node in model.graph.node if node.op_type in WEIGHTED][number].input[1]
    scales = {node.output[0]: node.input[1] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    name = scales.get(name, name)
    (weights,) = (entry for entry in model.graph.initializer if entry.name == name)
    values = onnx.numpy_helper.to_array(weights) * np.float32(factor)
    weights.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), name))
    return bytes(model.SerializeToString())


def sabotaged(data: bytes, name: str, number: int = 2, factor: float = 2.0) -> bytes:
    return (sabotage_tflite if name.endswith(".tflite") else sabotage_onnx)(data, number, factor)


def compare(reference: LayerwiseReference, name: str, data: bytes) -> LayerReport:
    precision, _, format_ = name.rpartition(".")
    return reference.compare(name, data, format_, precision, None)


@pytest.fixture(scope="module")
def cnn_reference(cases: Any) -> LayerwiseReference:
    return LayerwiseReference(cases["cnn"].frozen, cases["cnn"].images[:16])


def test_a_healthy_file_departs_nowhere_and_stays_far_from_its_tolerance(case: Any) -> None:
    reference = LayerwiseReference(case.frozen, case.images[:16])
    for name in FILES:
        report = compare(reference, name, case.files[name])
        assert report.departs is None, name
        assert min(row.sqnr_db for row in report.rows) > report.tolerance.sqnr_db + 10, name
        assert report.rows[-1].index == len(reference.layers) - 1, name


@pytest.mark.parametrize("name", FILES)
def test_a_third_layer_with_the_wrong_scale_is_the_one_named(
    cases: Any, cnn_reference: LayerwiseReference, name: str
) -> None:
    # The weighted layers are conv2d, conv2d_1, dense, dense_1.
    report = compare(cnn_reference, name, sabotaged(cases["cnn"].files[name], name))
    assert report.departs is not None
    assert report.departs.kind == "Dense"
    assert report.departs.layer == next(layer for layer, kind in cnn_reference.layers if kind == "Dense")
    assert report.departs.fall_db > 20
    before = [row.sqnr_db for row in report.rows if row.index < report.departs.index]
    assert min(before) > report.tolerance.sqnr_db + 10


@pytest.mark.parametrize("name", ["int8.tflite", "int8.onnx"])
@pytest.mark.parametrize("number", range(6))
def test_each_layer_is_found_where_branches_meet(cases: Any, name: str, number: int) -> None:
    case = cases["separable"]
    reference = LayerwiseReference(case.frozen, case.images[:8])
    # A separable convolution is one layer in Keras and two operators in the file.
    weighted = [kind for _, kind in reference.layers if "Conv" in kind or kind == "Dense"]
    expected = ["Conv2D", "DepthwiseConv2D", "Conv2D", "SeparableConv2D", "SeparableConv2D", "Dense"][number]
    assert weighted == ["Conv2D", "DepthwiseConv2D", "Conv2D", "SeparableConv2D", "Dense"]
    departs = compare(reference, name, sabotaged(case.files[name], name, number, 3.0)).departs
    assert departs is not None
    assert departs.kind == expected


def test_layers_that_became_one_operator_are_named_with_it(cases: Any, cnn_reference: LayerwiseReference) -> None:
    report = compare(cnn_reference, "int8.tflite", cases["cnn"].files["int8.tflite"])
    kinds = dict(cnn_reference.layers)
    (row,) = (row for row in report.rows if row.kind == "ReLU")
    assert [kinds[name] for name in row.merged] == ["Rescaling", "Conv2D", "BatchNormalization"]
    assert row.operator == "CONV_2D"
    shown = compare(cnn_reference, "float32.onnx", cases["cnn"].files["float32.onnx"])
    assert {"Rescaling", "BatchNormalization", "ReLU"} <= {row.kind for row in shown.rows}


def test_activations_that_are_cut_off_show_at_their_layer(cases: Any, cnn_reference: LayerwiseReference) -> None:
    schema = load("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(cases["cnn"].files["int8.tflite"], 0)
    graph = model.subgraphs[0]
    convolutions = [
        operator for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.CONV_2D
    ]  # fmt: skip
    quantization = graph.tensors[convolutions[1].outputs[0]].quantization
    quantization.scale = np.asarray(quantization.scale) / 4
    report = compare(cnn_reference, "int8.tflite", pack(schema, model))
    assert report.departs is not None
    assert report.departs.layer == [layer for layer, kind in cnn_reference.layers if kind == "Conv2D"][1]


def test_noise_that_only_adds_up_is_no_departure() -> None:
    def row(index: int, sqnr: float, fall: float | None) -> LayerRow:
        return LayerRow(index, f"layer{index}", "Dense", (), "Gemm", sqnr, fall, 0.0)

    slow = [row(i, 24.0 - 2 * i, 2.0 if i else None) for i in range(8)]
    assert first_departure(slow, "int8") is None
    assert first_departure([*slow, row(8, 2.0, 8.0)], "int8") == row(8, 2.0, 8.0)
    assert first_departure([row(0, 12.0, None)], "int8") == row(0, 12.0, None)
    assert first_departure([row(0, 60.0, None), row(1, 25.0, 35.0)], "int8") is None


@given(st.floats(-60, 60), st.floats(1e-3, 1e3), st.integers(0, 99))
def test_signal_over_noise_is_what_was_mixed_whatever_the_unit(decibels: float, unit: float, seed: int) -> None:
    signal, noise = np.random.default_rng(seed).normal(size=(2, 500))
    noise *= np.sqrt(np.sum(signal**2) / np.sum(noise**2)) * 10 ** (-decibels / 20)
    assert sqnr_db(unit * signal, unit * (signal + noise)) == pytest.approx(decibels, abs=1e-6)


def test_signal_over_noise_is_finite_at_its_ends() -> None:
    values = np.array([1.0, -2.0])
    assert sqnr_db(values, values) == EXACT_DB
    assert sqnr_db(np.zeros(2), np.zeros(2)) == EXACT_DB
    assert sqnr_db(np.zeros(2), values) == -EXACT_DB
    assert sqnr_db(values, np.array([1.0, np.nan])) == -EXACT_DB


def test_a_file_of_another_model_is_refused(cases: Any, cnn_reference: LayerwiseReference) -> None:
    for name in ("int8.tflite", "int8.onnx"):
        with pytest.raises(BundleError, match="expected the operators that export makes of the model"):
            compare(cnn_reference, name, cases["vector"].files[name])
        with pytest.raises(
            ModelRejectedError, match="expected a file that runs with the outputs of all operators kept"
        ):
            compare(cnn_reference, name, b"no model at all")


def test_layers_of_a_model_within_a_model_count_and_a_layer_used_twice_is_two() -> None:
    keras = load("keras")
    with quiet():
        convolution = keras.layers.Conv2D(4, 3, padding="same", name="deep")
        inner = keras.Sequential([keras.Input((8, 8, 4)), convolution, keras.layers.Dropout(0.5)])
        image = keras.Input((8, 8, 4))
        twice = keras.layers.Dense(4, activation="tanh", name="twice")
        scores = keras.layers.Dense(3)(keras.layers.Flatten()(inner(twice(twice(image)))))
        frozen = freeze(keras.Model(image, scores))
        images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 4), dtype=np.uint8)
        made = load("edgedigits_export.convert.onnx").convert_onnx(frozen)
    report = compare(LayerwiseReference(frozen, images), "float32.onnx", made)
    assert [row.layer for row in report.rows[:3]] == ["twice", "twice", "deep"]
    assert report.departs is None


def request(*, json: bool = True, **changed: Any) -> PerLayerRequest:
    return PerLayerRequest(KERAS, None, None, None, Output(json, None, overwrite=False))._replace(**changed)


@pytest.fixture
def third_layer_off(proven: Any, edit_manifest: Callable[..., Bundle]) -> SimpleNamespace:
    """Return the shipped bundle with a wrong scale for the weights of conv3, as a faulty exporter would write it."""
    names = {f"small-{name}": name for name in ("int8.tflite", "int8.onnx")}
    for file, name in names.items():
        data = (proven.path / file).read_bytes()
        (proven.path / file).write_bytes(sabotaged(data, name))

    def rehash(values: dict[str, Any]) -> None:
        for entry in values["files"]:
            data = (proven.path / entry["path"]).read_bytes()
            entry.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    return SimpleNamespace(bundle=edit_manifest(proven.path, rehash), digits=proven.digits, files=set(names))


def test_the_command_names_the_third_layer_in_a_table_and_a_picture(
    third_layer_off: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "layers.png"
    wanted = request(json=False, picture=picture)
    assert per_layer.run(wanted, third_layer_off.bundle, third_layer_off.digits) == 1
    lines = capsys.readouterr().out.splitlines()
    for file in third_layer_off.files:
        (verdict,) = (line for line in lines if line.startswith(f"{file}: "))
        assert "departs first at conv3_relu (ReLU, with conv3, conv3_norm; Conv" in verdict.replace("CONV_2D", "Conv")
    (sound,) = (line for line in lines if line.startswith("small-float32.tflite: "))
    assert "every layer is within its tolerance of 100 dB" in sound
    (row,) = (line.split() for line in lines if line.startswith("conv3_relu"))
    assert [float(cell) < 10 for cell in row[2:]] == [True, True, False]
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > 500


def test_the_json_has_every_layer_and_what_departs(
    third_layer_off: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert per_layer.run(request(variant="int8"), third_layer_off.bundle, third_layer_off.digits) == 1
    values = json.loads(capsys.readouterr().out)
    assert values["passed"] is False
    with quiet():
        inputs, *layers = load_keras(KERAS).operations
    assert isinstance(inputs, load("keras").layers.InputLayer)
    assert len(values["layers"]) == len(layers)
    assert {variant["file"]: variant["departs"]["layer"] for variant in values["variants"]} == dict.fromkeys(
        third_layer_off.files, "conv3_relu"
    )


def test_the_shipped_bundle_departs_nowhere(proven: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "layers.svg"
    assert per_layer.run(request(picture=picture), Bundle.load(proven.path), proven.digits) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["passed"] is True
    assert [variant["departs"] for variant in values["variants"]] == [None] * 3
    assert b"<svg" in picture.read_bytes()[:500]


def test_a_file_that_does_not_run_is_told_and_the_others_are_compared(
    proven: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (proven.path / "small-int8.onnx").write_bytes(b"changed")
    assert per_layer.run(request(variant="int8"), Bundle.load(proven.path), proven.digits) == 2
    values = json.loads(capsys.readouterr().out)
    assert "expected SHA-256" in values["errors"]["small-int8.onnx"]
    assert [variant["file"] for variant in values["variants"]] == ["small-int8.tflite"]


def test_a_keras_file_that_is_not_the_bundles_model_is_refused(proven: Any, tmp_path: Path, cases: Any) -> None:
    bundle = Bundle.load(proven.path)
    other, smaller = tmp_path / "other.keras", tmp_path / "smaller.keras"
    with quiet():
        model = load_keras(KERAS)
        model.get_layer("conv3").set_weights([-weights for weights in model.get_layer("conv3").get_weights()])
        model.save(other)
        cases["cnn"].frozen.model.save(smaller)
    with pytest.raises(BundleError, match=r"found them .* off; name the .keras file it was exported from"):
        per_layer.run(request(model=other), bundle, proven.digits)
    with pytest.raises(BundleError, match=f"{bundle.manifest.parameters:,} parameters, found"):
        per_layer.run(request(model=smaller), bundle, proven.digits)


def test_without_keras_outputs_the_golden_ones_tell_another_model(
    proven: Any, tmp_path: Path, edit_manifest: Callable[..., Bundle]
) -> None:
    def forget(values: dict[str, Any]) -> None:
        values["reference"]["file"] = None
        values["files"] = [entry for entry in values["files"] if entry["precision"] == "int8"]

    bundle = edit_manifest(proven.path, forget)
    other = tmp_path / "other.keras"
    with quiet():
        model = load_keras(KERAS)
        model.get_layer("conv3").set_weights([-weights for weights in model.get_layer("conv3").get_weights()])
        model.save(other)
    with pytest.raises(BundleError, match=r"should repeat within 0\.1, found"):
        per_layer.run(request(model=other), bundle, proven.digits)
    assert per_layer.run(request(variant="int8.tflite"), bundle, proven.digits) == 0


def test_what_cannot_be_written_is_said_before_the_work(proven: Any, tmp_path: Path) -> None:
    bundle = Bundle.load(proven.path)
    there = tmp_path / "there.png"
    there.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        per_layer.run(request(picture=there), bundle, proven.digits)
    with pytest.raises(UsageError, match=r"expected a picture that ends in \.png or \.svg, found \.txt"):
        per_layer.run(request(picture=tmp_path / "layers.txt"), bundle, proven.digits)
    assert there.read_bytes() == b"mine"


def test_each_precision_has_a_tolerance_with_its_reason() -> None:
    assert set(TOLERANCES) == set(PRECISIONS)
    assert all(tolerance.reason for tolerance in TOLERANCES.values())
