"""Architectures that a converter alone does not take, or loses most of: each converts to both formats, float and int8.

Sizes and sequences are tiny; what is tested is which operators a file has, and that engines compute as Keras does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgedigits.engines import installed_engines
from edgedigits.errors import UsageError
from edgedigits.verification.inference import infer_isolated
from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.onnx_int8 import quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import FrozenModel, freeze
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

keras = load("keras")
layers = keras.layers

FILES = ("float32.tflite", "int8.tflite", "float32.onnx", "int8.onnx")


def model_of(*stack: Any, shape: tuple[int, ...] = (4, 6, 1)) -> Any:
    """Return a classifier whose answers differ from image to image, which fresh weights hardly give."""
    head = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=2.0))
    return keras.Sequential([layers.Input(shape), layers.Rescaling(1 / 64, -2), *stack, layers.Flatten(), head])


def recurrent() -> Any:
    rows = keras.Sequential([layers.Input((4, 6)), layers.SimpleRNN(4, return_sequences=True), layers.LSTM(4)])
    return model_of(layers.Reshape((4, 6)), rows)


def both_ways() -> Any:
    first = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    return model_of(layers.Reshape((4, 6)), first, layers.Bidirectional(layers.LSTM(3)))


def convolutional_recurrent() -> Any:
    cell = layers.ConvLSTM2D(3, 3, padding="same")
    return model_of(layers.Reshape((3, 6, 5, 2)), cell, shape=(12, 15, 1))


def grouped() -> Any:
    pair = [layers.Conv2D(8, 3, groups=2, strides=2), layers.BatchNormalization(), layers.ReLU()]
    return model_of(layers.Conv2D(8, 3), *pair, layers.Conv2D(8, 3, groups=8, padding="same"), shape=(9, 9, 3))


def convnext() -> Any:
    """The smallest ConvNeXt that Keras builds, its own stem and head included."""
    make = load("keras.src.applications.convnext").ConvNeXt
    sizes = {"depths": (1, 1, 1, 1), "projection_dims": (4, 4, 8, 8), "input_shape": (32, 32, 3), "classes": 3}
    model = make(**sizes, weights=None, name="convnext", weights_name="convnext_tiny")
    random = np.random.default_rng(0)
    for layer in model.layers:  # all that starts at nearly nothing: blocks beside their skips, and the head
        spread = {"LayerScale": 0.3, "Dense": 1.0}.get(type(layer).__name__)
        if spread and layer.get_weights()[0].shape[-1] in {3, 4, 8}:
            layer.set_weights([random.normal(0, spread, each.shape) for each in layer.get_weights()])
    return model


def attention() -> Any:
    pixels = layers.Input((8, 8, 1))
    x = layers.Conv2D(8, 4, strides=4)(layers.Rescaling(1 / 64, -2)(pixels))
    x = layers.Reshape((4, 8))(x)
    normal = layers.LayerNormalization()(x)
    x = layers.add([x, layers.MultiHeadAttention(2, 4)(normal, normal)])
    y = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.LayerNormalization()(layers.add([x, layers.Dense(8)(y)]))
    head = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=2.0))
    return keras.Model(pixels, head(layers.GlobalAveragePooling1D()(x)))


def resized() -> Any:
    sizes = [(11, 6, "bicubic", {}), (5, 9, "area", {}), (7, 7, "bilinear", {"antialias": True})]
    stack = [layers.Resizing(height, width, interpolation=how, **more) for height, width, how, more in sizes]
    return model_of(*stack, layers.Conv2D(3, 3), shape=(9, 8, 3))


BUILDERS: dict[str, Callable[[], Any]] = {
    build.__name__: build
    for build in (recurrent, both_ways, convolutional_recurrent, grouped, convnext, attention, resized)
}
Made = tuple[str, FrozenModel, NDArray[np.uint8], dict[str, bytes]]


@pytest.fixture(scope="module", params=sorted(BUILDERS))
def made(request: pytest.FixtureRequest) -> Made:
    """The name of each architecture, its model, images to try it with, and its files."""
    with quiet():
        keras.utils.set_random_seed(5)
        frozen = freeze(BUILDERS[request.param]())
    images = np.random.default_rng(0).integers(0, 256, (16, *frozen.input_shape), dtype=np.uint8)
    files = {f"{precision}.tflite": convert_tflite(frozen, precision, images) for precision in ("float32", "int8")}
    files["float32.onnx"] = convert_onnx(frozen)
    files["int8.onnx"] = quantize_onnx(files["float32.onnx"], images)
    return request.param, frozen, images, files


def operators_of(data: bytes, file: str) -> list[tuple[str, bool]]:
    """Return the type of each operator, and whether its result is a float."""
    if file.endswith(".onnx"):
        graph = onnx.load_model_from_string(data).graph
        quantized = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
        return [(node.op_type, node.output[0] not in quantized) for node in graph.node]
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    (graph,) = model.subgraphs  # no loop
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    kinds = [names[model.operatorCodes[each.opcodeIndex].builtinCode] for each in graph.operators]
    results = [graph.tensors[each.outputs[0]].type == schema.TensorType.FLOAT32 for each in graph.operators]
    return list(zip(kinds, results, strict=True))


@pytest.mark.parametrize("file", FILES)
def test_every_engine_computes_as_keras_does(made: Made, file: str, tmp_path: Any) -> None:
    _, frozen, images, files = made
    expected = frozen.predict(images)
    spread = expected.std(axis=0).max()
    assert spread > 0.05
    (tmp_path / file).write_bytes(files[file])
    precision, _, format_ = file.partition(".")
    for engine in installed_engines(format_):
        outputs = infer_isolated(tmp_path / file, engine, images).probabilities
        difference = np.abs(outputs - expected)
        assert difference.max() <= 1e-5 if precision == "float32" else difference.mean() <= 0.05 * spread, engine


@pytest.mark.parametrize("file", FILES)
def test_no_loop_and_no_call_is_left(made: Made, file: str) -> None:
    kinds = {kind for kind, _ in operators_of(made[3][file], file)}
    assert kinds.isdisjoint({"WHILE", "IF", "CALL", "Loop", "Scan", "If", "StatefulPartitionedCall", "CUSTOM"})


@pytest.mark.parametrize("file", ["int8.tflite", "int8.onnx"])
def test_what_normalises_by_a_variance_stays_in_float(made: Made, file: str) -> None:
    name, _, _, files = made
    if name not in {"attention", "convnext"}:
        pytest.skip("normalises nothing")
    operators = operators_of(files[file], file)
    roots = [in_float for kind, in_float in operators if kind in {"RSQRT", "Sqrt"}]
    assert len(roots) >= 3
    assert all(roots)
    squares = [in_float for kind, in_float in operators if kind == "SQUARED_DIFFERENCE"]
    assert all(squares)
    products = [in_float for kind, in_float in operators if kind in {"FULLY_CONNECTED", "CONV_2D", "MatMul", "Gemm"}]
    assert not all(products)


def test_bytes_of_onnx_files_do_not_follow_names(made: Made) -> None:
    """The names of tf2onnx hold numbers that go on counting from one model to the next, and sort differently then."""
    _, frozen, images, files = made
    for _ in range(3):  # nor what lies where in memory
        again = convert_onnx(frozen)
        assert again == files["float32.onnx"]
    assert quantize_onnx(again, images) == files["int8.onnx"]


def test_keras_itself_goes_on_with_its_loops() -> None:
    layer = layers.LSTM(2)
    frozen = freeze(model_of(layers.Reshape((4, 6)), layer))
    frozen.scores_function()
    assert layer.unroll is False


@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_what_keras_quantized_is_refused_by_its_layer(mode: str) -> None:
    with quiet():
        model = model_of(layers.Dense(4, name="hidden"))
        model.quantize(mode)
    said = rf"layer '.*hidden' quantized by Keras \({mode}\); export the model as it was"
    with pytest.raises(UsageError, match=said):
        freeze(model)
