"""Models with all their files: what they are built of, and how they are made and read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.manifest import PRECISIONS
from edgedigits.records import from_plain, to_plain
from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.onnx_int8 import quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import FrozenModel, freeze
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import load, quiet

Outputs = dict[tuple[str, str], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Case:
    """A model, the images to try it with, and its files by `precision.suffix`."""

    name: str
    frozen: FrozenModel
    images: NDArray[np.uint8]
    keras: NDArray[np.float32]
    files: dict[str, bytes]


def _trained(
    model: Any, images: NDArray[np.float32], labels: NDArray[np.int64], *, logits: bool, epochs: int = 20
) -> Any:
    """Train in float64: float32 sums, whose order the processor decides, come to other weights on other machines."""
    keras = load("keras")
    twin = keras.models.clone_model(
        model, clone_function=lambda layer: type(layer).from_config(layer.get_config() | {"dtype": "float64"})
    )
    twin.set_weights(model.get_weights())
    twin.compile(keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=logits))
    twin.fit(images, labels, batch_size=20, epochs=epochs, verbose=0, shuffle=False)
    model.set_weights(twin.get_weights())
    return model


def cnn(digits: Dataset) -> FrozenModel:
    """Sequential, scaling inside, batch normalization, logits."""
    layers = load("keras").layers
    model = load("keras").Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.5),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(24, activation="relu"),
            layers.Dense(10),
        ]
    )
    return freeze(_trained(model, digits.images.astype(np.float32), digits.labels, logits=True))


def separable(digits: Dataset) -> FrozenModel:
    """Functional, scaling outside, depthwise convolutions, a skip, global pooling, softmax at the end."""
    keras, layers = load("keras"), load("keras").layers
    scaling = Scaling(1 / 255, (0.1307,), (0.3081,))
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(image)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = layers.add([x, layers.Conv2D(12, 1)(y)])
    x = layers.SeparableConv2D(24, 3, strides=2, activation="relu")(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    model = keras.Model(image, layers.Dense(10, activation="softmax")(x))
    gain, offset = scaling.affine(1)
    return freeze(_trained(model, digits.images * gain + offset, digits.labels, logits=False, epochs=80), scaling)


def colour(digits: Dataset) -> FrozenModel:
    """CIFAR's shape, one mean and deviation a channel, a softmax layer of its own, never trained."""
    layers = load("keras").layers
    model = load("keras").Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(8, 3, padding="same"),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(10),
            layers.Softmax(),
        ]
    )
    return freeze(model, Scaling(1 / 255, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)))


def two_class(digits: Dataset) -> FrozenModel:
    """An odd size and two classes."""
    layers = load("keras").layers
    model = load("keras").Sequential(
        [
            layers.Input((15, 21, 1)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.ZeroPadding2D(1),
            layers.Conv2D(4, 3, activation="relu6"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    return freeze(model)


def vector(digits: Dataset) -> FrozenModel:
    """The textbook network that takes an image as 784 numbers."""
    layers = load("keras").layers
    model = load("keras").Sequential([layers.Input((784,)), layers.Dense(32, activation="relu"), layers.Dense(10)])
    flat = digits.images.reshape(-1, 784).astype(np.float32) / 255
    return freeze(_trained(model, flat, digits.labels, logits=True), Scaling(1 / 255))


BUILDERS: dict[str, Callable[[Dataset], FrozenModel]] = {
    build.__name__: build for build in (cnn, separable, colour, two_class, vector)
}


def _images(frozen: FrozenModel, digits: Dataset) -> NDArray[np.uint8]:
    if frozen.input_shape == (28, 28, 1):
        return digits.images
    return np.random.default_rng(0).integers(0, 256, (20, *frozen.input_shape), dtype=np.uint8)


def make_case(name: str, digits: Dataset, folder: Path) -> None:
    """Leave a model, what is needed to freeze it again, and its files in a folder."""
    with quiet():
        load("keras").utils.set_random_seed(7)
        frozen = BUILDERS[name](digits)
        frozen.model.save(folder / "model.keras")
    images = _images(frozen, digits)
    files = {f"{p}.tflite": convert_tflite(frozen, p, images) for p in PRECISIONS}
    files["float32.onnx"] = convert_onnx(frozen)
    files["int8.onnx"] = quantize_onnx(files["float32.onnx"], images)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    (folder / "scaling.json").write_text(json.dumps(to_plain(frozen.scaling)))


def read_case(name: str, digits: Dataset, folder: Path) -> Case:
    with quiet():
        model = load("keras").saving.load_model(folder / "model.keras", compile=False)
        frozen = freeze(model, from_plain(Scaling, json.loads((folder / "scaling.json").read_text()), name))
    images = _images(frozen, digits)
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in {".tflite", ".onnx"}}
    return Case(name, frozen, images, frozen.predict(images), files)


def assert_probabilities(outputs: NDArray[np.float32]) -> None:
    """They sum to 1, or to less where a class is left out."""
    sums = outputs.sum(axis=1)
    assert outputs.min() >= 0
    assert np.abs(sums - 1).max() <= 1e-5
