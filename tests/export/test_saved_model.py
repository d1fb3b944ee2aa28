"""A SavedModel is converted from its serving signature, and one that does not fit is told with what it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.errors import BundleError, UsageError
from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import FrozenModel, freeze
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> Any:
    keras = load("keras")
    keras.utils.set_random_seed(0)
    stack = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization()]
    return keras.Sequential([keras.Input((8, 8, 1)), *stack, keras.layers.Flatten(), keras.layers.Dense(4)])


@pytest.fixture
def export(tmp_path: Path, network: Any) -> Callable[..., Path]:
    """Write a SavedModel whose signature is a function of the network, of one image input of a type and a shape."""

    def write(
        answer: Callable[[Any, Any], Any], dtype: str = "float32", shape: Any = (None, 8, 8, 1), kept: Any = None
    ) -> Path:
        tf, path = load("tensorflow"), tmp_path / "net"
        module = tf.Module()
        module.network, module.kept = network, kept
        with quiet():
            function = tf.function(lambda image: answer(network, image))
            served = function.get_concrete_function(tf.TensorSpec(shape, dtype, name="image"))
            tf.saved_model.save(module, str(path), signatures=served)
        return path

    return write


def files_say(frozen: FrozenModel) -> list[np.ndarray]:
    """The answers of the TFLite and the ONNX file for `IMAGES`."""
    tflite, onnx = convert_tflite(frozen, "float32", IMAGES[:0]), convert_onnx(frozen)
    interpreter = load("ai_edge_litert.interpreter").Interpreter(model_content=tflite)
    interpreter.allocate_tensors()
    answers = []
    for image in IMAGES:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[np.newaxis])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    session = load("onnxruntime").InferenceSession(onnx, providers=["CPUExecutionProvider"])
    return [np.stack(answers), session.run(None, {"image": IMAGES})[0]]


def test_what_keras_exports_answers_as_the_model(tmp_path: Path, network: Any) -> None:
    with quiet():
        network.export(tmp_path / "net", verbose=False)
    frozen = freeze(load_keras(tmp_path / "net"))
    assert (frozen.input_shape, frozen.classes, frozen.adds_softmax) == ((8, 8, 1), 4, True)
    assert frozen.parameters == network.count_params()
    expected = freeze(network).predict(IMAGES)
    for said in (frozen.predict(IMAGES), *files_say(frozen)):
        np.testing.assert_allclose(said, expected, atol=1e-6)


def test_a_softmax_inside_is_cut_off_before_quantization(export: Callable[..., Path]) -> None:
    frozen = freeze(load_keras(export(lambda network, image: {"p": load("tensorflow").nn.softmax(network(image))})))
    assert not frozen.adds_softmax
    function, needs_softmax = frozen.scores_function()
    assert needs_softmax
    assert "Softmax" not in {op.type for op in function.graph.get_operations()}


def test_a_signature_that_takes_bytes_takes_raw_pixels_alone(export: Callable[..., Path], network: Any) -> None:
    model = load_keras(
        export(lambda network, image: {"s": network(load("tensorflow").cast(image, "float32"))}, "uint8")
    )
    with pytest.raises(UsageError, match="raw pixels in uint8, found one; leave it out"):
        freeze(model, Scaling(1 / 255))
    frozen = freeze(model)
    for said in (frozen.predict(IMAGES), *files_say(frozen)):
        np.testing.assert_allclose(said, freeze(network).predict(IMAGES), atol=1e-6)


def test_one_probability_becomes_two_classes(export: Callable[..., Path]) -> None:
    tf = load("tensorflow")
    frozen = freeze(load_keras(export(lambda network, image: {"p": tf.sigmoid(network(image)[:, :1])})))
    assert frozen.classes == 2
    np.testing.assert_allclose(frozen.predict(IMAGES).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("answer", "dtype", "shape", "found"),
    [
        (
            lambda network, image: {"a": network(image), "b": network(image)}, "float32", (None, 8, 8, 1),
            "serving_default(image: float32 [?, 8, 8, 1]) -> a: float32 [?, 4], b: float32 [?, 4]; export",
        ),
        (
            lambda network, image: {"a": network(image)}, "float32", (1, 8, 8, 1),
            "serving_default(image: float32 [1, 8, 8, 1]) -> a: float32 [1, 4]; export",
        ),
        (
            lambda network, image: {"a": load("tensorflow").strings.length(image)}, "string", (None,),
            "serving_default(image: string [?]) -> a: int32 [?]; export",
        ),
        (
            lambda network, image: {"a": image * 2}, "float32", None,
            "serving_default(image: float32 of any shape) -> a: float32 of any shape; export",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_signature(
    export: Callable[..., Path], answer: Any, dtype: str, shape: Any, found: str
) -> None:
    path = export(answer, dtype, shape)
    with pytest.raises(BundleError) as caught:
        load_keras(path)
    expected = "expected a serving signature from images float32 or uint8 [N, H, W, C], N free, to one vector of scores"
    assert str(caught.value).startswith(f"{path}: {expected}, found {found}")


def test_a_table_inside_is_told(export: Callable[..., Path]) -> None:
    tf = load("tensorflow")
    rows = tf.lookup.KeyValueTensorInitializer([0], [2.0])
    table = tf.lookup.StaticHashTable(rows, 0.0)
    frozen = freeze(
        load_keras(export(lambda network, image: {"s": network(image) * table.lookup(tf.constant(0))}, kept=table))
    )
    with pytest.raises(UsageError, match="found one with a table of TensorFlow or the like in it"):
        frozen.scores_function()


def test_a_folder_without_a_signature_or_without_its_weights_is_one_line(
    tmp_path: Path, export: Callable[..., Path]
) -> None:
    tf = load("tensorflow")
    with quiet():
        tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    with pytest.raises(BundleError, match="with a serving signature, found none; save the model with "):
        load_keras(tmp_path / "bare")
    path = export(lambda network, image: {"a": network(image)})
    (path / "variables" / "variables.data-00000-of-00001").unlink()
    with pytest.raises(BundleError, match=r"a SavedModel that TensorFlow cannot run: .*variables\.data.*No such file"):
        load_keras(path)
    (path / "saved_model.pb").write_bytes(b"\x0a")
    with pytest.raises(BundleError, match="cannot run: Cannot parse file") as caught:
        load_keras(path)
    assert "\n" not in str(caught.value)


def test_the_command_exports_it_and_says_what_it_lacks(
    cases: dict[str, Any], tmp_path: Path, run_here: Any, refused: Any
) -> None:
    with quiet():
        cases["cnn"].frozen.model.export(tmp_path / "net", verbose=False)
    words = ("--calibration", DIGITS, "--scale", "1", "--variants", "int8.tflite", "-o", "out")
    done = run_here("export", "net", *words)
    assert done.returncode == 0, done.stderr
    assert "note: a SavedModel is converted from its serving signature: no temperature, no report" in done.stderr
    assert "no temperature fitted: the model shows no Dense layer and softmax at its end" in done.stdout
    bundle = Bundle.load(tmp_path / "out")
    assert [file.path for file in bundle.manifest.files] == ["net-int8.tflite"]
    assert bundle.manifest.parameters == cases["cnn"].frozen.parameters
    refused(
        run_here("parity", "out", "--per-layer", "net"), 2, "expected a Keras file, found a SavedModel", "no layers"
    )
    refused(run_here("parity", "out", "--custom-objects", "own.py"), 2, "--custom-objects is for the Keras model")
