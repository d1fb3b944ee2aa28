"""Models with every end and body that people have become files that answer as they do, or are refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.calibrated import fold_temperature
from edgedigits_export.keras_model.frozen import FrozenModel, freeze
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

SIZE = (16, 16, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, *SIZE), dtype=np.uint8)


def body(*last: Any, first: tuple[Any, ...] = (), shape: tuple[int | None, ...] = SIZE) -> Any:
    keras, layers = load("keras"), load("keras").layers
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            layers.Input(shape), *first, layers.Rescaling(1 / 255), layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(), *last,
        ]
    )  # fmt: skip


def in_policy(policy: str, build: Callable[[], Any]) -> Any:
    policies = load("keras").mixed_precision
    policies.set_global_policy(policy)
    try:
        return build()
    finally:
        policies.set_global_policy("float32")


def keras_says(model: Any) -> NDArray[np.float64]:
    return np.asarray(model(IMAGES.astype(np.float32), training=False), np.float64)


def of_tflite(data: bytes) -> NDArray[np.float32]:
    with quiet():
        interpreter = Interpreter(model_content=data, num_threads=1)
        interpreter.allocate_tensors()
    (image,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for picture in IMAGES:
        interpreter.set_tensor(image["index"], picture[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(out["index"])[0])
    return np.stack(rows)


def of_onnx(data: bytes) -> NDArray[np.float32]:
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"image": IMAGES})[0]


def assert_files_say(frozen: FrozenModel, expected: NDArray[np.float64], within: float = 1e-6) -> None:
    np.testing.assert_allclose(frozen.predict(IMAGES), expected, atol=within)
    np.testing.assert_allclose(of_tflite(convert_tflite(frozen, "float32", IMAGES)), expected, atol=within)
    np.testing.assert_allclose(of_onnx(convert_onnx(frozen)), expected, atol=within)
    np.testing.assert_allclose(of_tflite(convert_tflite(frozen, "int8", IMAGES)), expected, atol=0.05)


def ends() -> dict[str, Callable[[], Any]]:
    keras, layers = load("keras"), load("keras").layers
    return {
        "sigmoid": lambda: body(layers.Dense(1, activation="sigmoid")),
        "sigmoid-layer": lambda: body(layers.Dense(1), layers.Activation("sigmoid")),
        "sigmoid-without-bias": lambda: body(layers.Dense(1, activation="sigmoid", use_bias=False)),
        "score": lambda: body(layers.Dense(1)),
        "nested": lambda: keras.Sequential([layers.Input(SIZE), body(layers.Dense(1, activation="sigmoid"))]),
        "sigmoid-behind-dropout": lambda: body(layers.Dense(1, activation="sigmoid"), layers.Dropout(0.5)),
    }


@pytest.mark.parametrize("name", list(ends()))
def test_one_output_becomes_two_classes_the_second_of_which_it_speaks_of(name: str) -> None:
    with quiet():
        model = ends()[name]()
    said = keras_says(model)
    second = 1 / (1 + np.exp(-said)) if name == "score" else said
    frozen = freeze(model)
    assert frozen.classes == 2
    assert_files_say(frozen, np.concatenate([1 - second, second], axis=1))


def test_two_classes_have_a_temperature_in_their_last_layer() -> None:
    model = body(load("keras").layers.Dense(1, activation="sigmoid"))
    frozen = freeze(model)
    before = frozen.predict(IMAGES).astype(np.float64)
    fold_temperature(frozen, 2.0)
    after = frozen.predict(IMAGES).astype(np.float64)
    np.testing.assert_allclose(np.log(after[:, 1] / after[:, 0]), np.log(before[:, 1] / before[:, 0]) / 2, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64", "float16"])
def test_another_precision_becomes_float32_with_the_same_weights(policy: str) -> None:
    layers = load("keras").layers
    last = {} if policy == "float64" else {"dtype": "float32"}
    with quiet():
        model = in_policy(policy, lambda: body(layers.Dense(4, activation="softmax", **last)))
    said = keras_says(model)
    frozen = freeze(model)
    assert {layer.compute_dtype for layer in frozen.model.layers} == {"float32"}
    assert_files_say(frozen, said / said.sum(axis=1, keepdims=True), within=1e-6 if policy == "float64" else 3e-3)


def test_a_free_size_is_said() -> None:
    model = body(load("keras").layers.Dense(4, activation="softmax"), shape=(None, None, 3))
    with pytest.raises(UsageError, match=r"found \[None, None, 3\]; say the size of its images, such as --input-size"):
        freeze(model)
    frozen = freeze(model, input_size=(16, 16))
    assert frozen.input_shape == SIZE
    assert_files_say(frozen, keras_says(model))


def test_a_size_that_is_not_the_models_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--input-size: expected a model that takes \[20, 16, 3\], found \[16, 1"):
        freeze(body(load("keras").layers.Dense(4)), input_size=(20, 16))


@pytest.mark.parametrize(
    "name",
    ["RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomCrop", "RandomTranslation",
     "RandomBrightness", "GaussianNoise", "GaussianDropout", "SpatialDropout2D", "CenterCrop", "Resizing"],
)  # fmt: skip
def test_layers_that_change_images_in_training_alone_are_idle(name: str) -> None:
    layers = load("keras").layers
    options = {"RandomFlip": (), "RandomCrop": (14, 14), "CenterCrop": (12, 12), "Resizing": (20, 20)}
    options |= {"RandomTranslation": (0.1, 0.1)}
    first = getattr(layers, name)(*options.get(name, (0.1,)))
    model = body(layers.Dense(4, activation="softmax"), first=(first,))
    assert_files_say(freeze(model), keras_says(model))


def channels_first() -> Any:
    keras, layers = load("keras"), load("keras").layers
    image = keras.Input((3, 16, 16))
    x = layers.Conv2D(4, 3, data_format="channels_first")(image)
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(x)))


def permuted() -> Any:
    keras, layers = load("keras"), load("keras").layers
    image = keras.Input((1, 28, 28))
    return keras.Model(image, layers.Dense(3)(layers.Flatten()(layers.Permute((2, 3, 1))(image))))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            channels_first,
            r"found layer 'conv2d\w*' with channels first; build the model with data_format='channels_l",
        ),
        (
            permuted,
            r"found an input \[1, 28, 28\]; build .* or put Input\(\(H, W, C\)\) and Permute\(\(3, 1, 2\)\)",
        ),
        (
            lambda: body(load("keras").layers.Dense(3, activation="sigmoid")),
            "found 3 sigmoids at the end, which say",
        ),
    ],
)
def test_what_cannot_be_a_classifier_of_images_is_told_with_the_way_out(build: Callable[[], Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        freeze(build())


def test_the_way_out_of_channels_first_is_one() -> None:
    keras = load("keras")
    with quiet():
        model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Permute((3, 1, 2)), permuted()])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), dtype=np.uint8)
    scores = np.asarray(model(pixels.astype(np.float32)), np.float64)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(freeze(model).predict(pixels), powers / powers.sum(axis=1, keepdims=True), atol=1e-6)
