"""Small real models of every shape that export promises to take, converted once for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sharing import MadeOnce

from edgedigits.datasets import Dataset
from edgedigits.datasets.own import read_npz
from edgedigits.manifest import PRECISIONS
from edgedigits.records import from_plain, to_plain
from edgedigits_export.convert import tflite
from edgedigits_export.convert.onnx import convert_onnx, quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.keras_model.frozen import FrozenModel, Scaling, freeze
from edgedigits_export.lazy_imports import load, quiet

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
TFLITE_ENGINES = {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
WALK = """
import sys
import numpy as np
from {package}.interpreter import Interpreter
outputs = {{}}
for file in sys.argv[2:]:
    interpreter = Interpreter(model_path=file, num_threads=1)
    interpreter.allocate_tensors()
    (image,), (probabilities,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert image["dtype"] is np.uint8 and probabilities["dtype"] is np.float32, file
    assert (image["name"], probabilities["name"]) == ("image", "probabilities"), file
    rows = []
    for picture in np.load(file.removesuffix(".tflite") + ".npy"):
        interpreter.set_tensor(image["index"], picture[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(probabilities["index"])[0])
    outputs[file] = np.stack(rows)
np.savez(sys.argv[1], **outputs)
"""


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


def background(digits: Dataset) -> FrozenModel:
    """Ten classes and one for what is none of them, which is left out at the end."""
    keras, layers = load("keras"), load("keras").layers
    image = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(x)
    every = keras.Model(image, layers.Dense(11, activation="softmax")(layers.Flatten()(x)))
    upside_down = digits.images[:, ::-1, ::-1]
    images = np.concatenate([digits.images, upside_down]).astype(np.float32)
    labels = np.concatenate([digits.labels, np.full(len(upside_down), 10)])
    _trained(every, images, labels, logits=False, epochs=40)
    return freeze(keras.Model(image, every.outputs[0][:, :10]))


BUILDERS: dict[str, Callable[[Dataset], FrozenModel]] = {
    build.__name__: build for build in (cnn, separable, colour, two_class, vector, background)
}


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Ten real digits a class."""
    return read_npz(DIGITS)


def _images(frozen: FrozenModel, digits: Dataset) -> NDArray[np.uint8]:
    if frozen.input_shape == (28, 28, 1):
        return digits.images
    return np.random.default_rng(0).integers(0, 256, (20, *frozen.input_shape), dtype=np.uint8)


def _make_case(name: str, digits: Dataset, folder: Path) -> None:
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


def _read_case(name: str, digits: Dataset, folder: Path) -> Case:
    with quiet():
        model = load("keras").saving.load_model(folder / "model.keras", compile=False)
        frozen = freeze(model, from_plain(Scaling, json.loads((folder / "scaling.json").read_text()), name))
    images = _images(frozen, digits)
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in {".tflite", ".onnx"}}
    return Case(name, frozen, images, frozen.predict(images), files)


# Six models are trained and converted into seven files each.
@pytest.fixture(scope="session")
def cases(digits: Dataset, made_once: MadeOnce) -> dict[str, Case]:
    """Every model with all its files."""
    return {
        name: _read_case(name, digits, made_once(f"case-{name}", partial(_make_case, name, digits)))
        for name in BUILDERS
    }


@pytest.fixture(scope="session", params=sorted(BUILDERS))
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    """Each model in turn."""
    return cases[request.param]


def assert_probabilities(name: str, outputs: NDArray[np.float32]) -> None:
    """They sum to 1, or to less where a class is left out."""
    sums = outputs.sum(axis=1)
    assert outputs.min() >= 0
    assert np.abs(sums - 1).max() <= 1e-5 if name != "background" else sums.max() <= 1 + 1e-5


Outputs = dict[tuple[str, str], NDArray[np.float32]]


@pytest.fixture(scope="session", params=sorted(TFLITE_ENGINES))
def tflite_outputs(
    request: pytest.FixtureRequest, cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory
) -> Outputs:
    """The outputs of each TFLite engine, alone in a process, for every TFLite file: (model, precision) → rows."""
    package = TFLITE_ENGINES[request.param]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    files = {}
    for case in cases.values():
        for precision in PRECISIONS:
            file = folder / f"{case.name}-{precision}.tflite"
            file.write_bytes(case.files[f"{precision}.tflite"])
            np.save(file.with_suffix(".npy"), case.images)
            files[str(file)] = (case.name, precision)
    target = folder / "outputs.npz"
    walk = WALK.format(package=package)
    done = subprocess.run(
        [sys.executable, "-c", walk, str(target), *files], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with np.load(target) as outputs:
        return {names: outputs[file] for file, names in files.items()}


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], bytes]:
    """Make a file with per-channel Dense weights, FULLY_CONNECTED 12: tflite-runtime 2.14 refuses it."""

    def make(case: Case) -> bytes:
        monkeypatch.setattr(tflite, "_DENSE_PER_TENSOR", "_not_asked_for")
        return convert_tflite(case.frozen, "dynamic-int8", case.images)

    return make


@pytest.fixture
def lying(newer: Callable[[Case], bytes]) -> Callable[[Case], bytes]:
    """Make such a file that declares version 1, as Google's recipe dynamic_wi8_afp32 does: its outputs are wrong."""

    def make(case: Case) -> bytes:
        schema: Any = load("ai_edge_litert.schema_py_generated", "check")
        model = schema.ModelT.InitFromPackedBuf(newer(case), 0)
        for code in model.operatorCodes:
            if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
                code.version = 1
        return pack(schema, model)

    return make
