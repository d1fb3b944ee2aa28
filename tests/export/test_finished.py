"""A finished file that others made becomes a bundle with its bytes untouched; what is done around it is declared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from cases import Case
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.cli.main import main
from edgedigits.datasets import Dataset, load_splits
from edgedigits.manifest import Adapter, PixelScaling
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
# As the meter models of AI-on-the-edge-device: raw pixels of this form in, ten digits and "not readable" out.
METER = (32, 20, 3)
METER_LABELS = (*"0123456789", "N")


def meter_images(digits: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Digits on coloured wheels, and halves of two of them, which nobody can read."""
    rng = np.random.default_rng(0)
    large = np.stack([np.asarray(Image.fromarray(one[..., 0]).resize((20, 32))) for one in digits.images])
    between = np.concatenate([large[:50, 16:], large[50:, :16]], axis=1)
    grey = np.concatenate([large, between]).astype(np.float64)[..., np.newaxis]
    ink, wheel = rng.integers(150, 256, (len(grey), 1, 1, 3)), rng.integers(0, 90, (len(grey), 1, 1, 3))
    images = np.rint(wheel + (ink - wheel) * grey / 255).astype(np.uint8)
    return images, np.concatenate([digits.labels, np.full(50, 10)])


def to_tflite(model: Any, images: NDArray[np.float32] | None = None, kind: str | None = None) -> bytes:
    """Convert as tutorials do; with images to int8, with a kind for input and output, too."""
    tf = load("tensorflow")
    with quiet():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if images is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
        if kind is not None:
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = getattr(tf, kind)
        return bytes(converter.convert())


@pytest.fixture(scope="module")
def meter(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file of a meter's model, and labelled pictures of wheels."""
    folder = tmp_path_factory.mktemp("meter")
    images, labels = meter_images(digits)
    keras, layers = load("keras"), load("keras").layers
    with quiet():
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                layers.Input(METER), layers.BatchNormalization(), layers.Conv2D(16, 3, activation="relu"),
                layers.MaxPooling2D(), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
                layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(11, activation="softmax"),
            ]
        )  # fmt: skip
        model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", jit_compile=False)
        model.fit(images.astype(np.float32), labels, epochs=25, batch_size=25, verbose=0)
    (folder / "dig-class11.tflite").write_bytes(to_tflite(model, images.astype(np.float32)))
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / "wheels" / METER_LABELS[label] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    (folder / "labels.txt").write_text("\n".join(METER_LABELS))
    return folder


@pytest.fixture(scope="module")
def meter_bundle(meter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("bundle") / "meter"
    words = ["--calibration", str(meter / "wheels"), "--labels", str(meter / "labels.txt"), "-o", str(bundle)]
    assert main(["export", str(meter / "dig-class11.tflite"), "--margin", "5", *words]) == 0
    return bundle


def test_the_bytes_of_a_meters_file_stay_and_what_is_done_around_it_is_declared(
    meter: Path, meter_bundle: Path
) -> None:
    manifest = Bundle.load(meter_bundle).manifest
    (file,) = manifest.files
    assert (meter_bundle / file.path).read_bytes() == (meter / "dig-class11.tflite").read_bytes()
    assert (file.precision, file.adapter) == ("int8", Adapter("NHWC", "probabilities"))
    assert manifest.scaling == PixelScaling(1.0, (0.0,), (1.0,), bgr=False)
    assert (manifest.labels, manifest.image, manifest.preprocessing.id) == (METER_LABELS, METER, "resize/1")
    assert (manifest.parameters, manifest.calibration) == (None, None)
    assert manifest.reference.of.startswith("litert ")
    assert manifest.confidence.why_not == "the file is finished, and nothing in it was changed"
    assert manifest.reference.accuracy.top1 > 0.6


def test_pictures_of_wheels_are_classified_and_the_proof_runs(meter: Path, meter_bundle: Path, capfd: Any) -> None:
    wheels = sorted((meter / "wheels").rglob("*.png"))[::3]
    with DigitClassifier(meter_bundle) as classifier:
        found = [classifier.classify(wheel).label == wheel.parent.name for wheel in wheels]
    assert np.mean(found) > 0.85
    assert main(["selftest", str(meter_bundle)]) == 0
    assert main(["parity", str(meter_bundle), "--data", str(meter / "wheels"), "--json"]) == 0
    rows = json.loads(capfd.readouterr().out.splitlines()[-1])["rows"]
    assert rows[0]["comparison"]["max_abs_difference"] == 0  # its reference is what it said itself
    assert main(["show", str(meter_bundle)]) == 0
    shown = capfd.readouterr().out
    assert "a finished file, made " in shown
    assert "litert" in shown


def vector_onnx(case: Case, *, softmax: bool) -> bytes:
    """The network ``vector`` as other converters write such: channels first, batch 1, pixels from 0 to 1."""
    (w1, b1), (w2, b2) = (layer.get_weights() for layer in case.frozen.model.layers)
    arrays = {"shape": np.array([1, 784]), "w1": w1, "b1": b1, "w2": w2, "b2": b2}
    nodes = [
        helper.make_node("Reshape", ["input", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w1", "b1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "w2", "b2"], ["logits"]),
        *([helper.make_node("Softmax", ["logits"], ["shares"], axis=1)] if softmax else []),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("input", [1, 1, 28, 28]), ("shares" if softmax else "logits", [1, 10]))
    ]
    graph = helper.make_graph(
        nodes, "net", *ends, [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def sequential(case: Case, *first: Any) -> Any:
    keras = load("keras")
    return keras.Sequential([*first, case.frozen.model])


def files_of(case: Case) -> dict[str, Callable[[], tuple[str, bytes]]]:
    keras = load("keras")
    flat = case.images.reshape(-1, 784).astype(np.float32) / 255

    def square() -> Any:
        return sequential(case, keras.Input((28, 28)), keras.layers.Flatten())

    return {
        "onnx-logits": lambda: ("net.onnx", vector_onnx(case, softmax=False)),
        "onnx-softmax": lambda: ("net.onnx", vector_onnx(case, softmax=True)),
        "float-without-channels": lambda: ("net.tflite", to_tflite(square())),
        "int8-inside": lambda: ("net.tflite", to_tflite(square(), flat.reshape(-1, 28, 28))),
        "uint8-all-over": lambda: ("net.tflite", to_tflite(square(), flat.reshape(-1, 28, 28), "uint8")),
        "int8-all-over": lambda: ("net.tflite", to_tflite(square(), flat.reshape(-1, 28, 28), "int8")),
        "flat": lambda: ("net.tflite", to_tflite(sequential(case, keras.Input((784,))))),
    }


PRECISIONS = {"int8-inside": "int8", "uint8-all-over": "int8", "int8-all-over": "int8"}


@pytest.mark.parametrize(
    "name", ["onnx-logits", "onnx-softmax", "float-without-channels", "int8-inside", "uint8-all-over", "int8-all-over",
             "flat"],
)  # fmt: skip
def test_a_file_of_any_form_answers_in_its_bundle_as_the_network_does(
    name: str, cases: dict[str, Case], tmp_path: Path
) -> None:
    case = cases["vector"]
    file, data = files_of(case)[name]()
    (tmp_path / file).write_bytes(data)
    words = ["--calibration", str(DIGITS), "--scale", "1/255", "-o", str(tmp_path / "bundle"), "--margin", "20"]
    assert main(["export", str(tmp_path / file), *words]) == 0
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.manifest.files[0].precision == PRECISIONS.get(name, "float32")
    assert bundle.manifest.files[0].adapter == Adapter(
        "NCHW" if name.startswith("onnx") else "NHWC", "probabilities" if name == "onnx-softmax" else "logits"
    )
    with DigitClassifier(tmp_path / "bundle") as classifier:
        found = classifier.classify_batch(case.images)
    np.testing.assert_allclose(found, case.keras, atol=0.15 if name in PRECISIONS else 1e-5)
    assert (found.argmax(axis=1) == case.keras.argmax(axis=1)).mean() > 0.97
    assert main(["selftest", str(tmp_path / "bundle")]) == 0
    test = load_splits(str(DIGITS), lambda path: None).test
    assert bundle.manifest.reference.dataset_sha256 == test.sha256()


def test_a_forgotten_scaling_is_told_of_a_finished_file_too(cases: dict[str, Case], tmp_path: Path, capfd: Any) -> None:
    (tmp_path / "net.onnx").write_bytes(vector_onnx(cases["vector"], softmax=True))
    words = ["--calibration", str(DIGITS), "-o", str(tmp_path / "bundle")]
    assert main(["export", str(tmp_path / "net.onnx"), *words]) == 2
    assert "; say --scale 1/255; --scale 1 is never questioned" in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "bundle").exists()


def one_score(activation: str | None, units: int = 1) -> Any:
    keras, layers = load("keras"), load("keras").layers
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((16, 16, 1)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(), layers.Dense(units, activation=activation),
        ]
    )  # fmt: skip


@pytest.fixture
def bright_and_dark(tmp_path: Path) -> Path:
    """Two kinds of pictures that the mean grey tells apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = np.clip(rng.normal(60 + 120 * labels, 30, (16, 16, 80)), 0, 255).astype(np.uint8).transpose(2, 0, 1)
    np.savez(tmp_path / "data.npz", images=images, labels=labels, names=np.array(["dark", "bright"]))
    return tmp_path / "data.npz"


@pytest.mark.parametrize(
    ("activation", "kind"), [("sigmoid", "probability of the second"), (None, "score of the second")]
)
def test_one_number_tells_two_classes_apart(
    activation: str | None, kind: str, bright_and_dark: Path, tmp_path: Path
) -> None:
    model = one_score(activation)
    (tmp_path / "net.tflite").write_bytes(to_tflite(model))
    words = ["--calibration", str(bright_and_dark), "--scale", "1", "-o", str(tmp_path / "bundle")]
    assert main(["export", str(tmp_path / "net.tflite"), *words]) in {0, 1}  # nobody trained it
    assert Bundle.load(tmp_path / "bundle").manifest.files[0].adapter == Adapter("NHWC", kind)
    images = np.load(bright_and_dark)["images"][:8, ..., np.newaxis]
    said = np.asarray(model(images.astype(np.float32)), np.float64)
    second = said if activation else 1 / (1 + np.exp(-said))
    with DigitClassifier(tmp_path / "bundle") as classifier:
        np.testing.assert_allclose(classifier.classify_batch(images), np.hstack([1 - second, second]), atol=1e-5)


def refused_files() -> dict[str, Callable[[], bytes]]:
    keras, layers = load("keras"), load("keras").layers

    def two_inputs() -> bytes:
        first, second = keras.Input((4, 4, 1)), keras.Input((4, 4, 1))
        return to_tflite(keras.Model([first, second], layers.Dense(3)(layers.Flatten()(layers.add([first, second])))))

    def maps() -> bytes:
        return to_tflite(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)]))

    return {
        "found 2 inputs and 1 outputs; show, check and bench take it as it is": two_inputs,
        "expected one vector of class scores out, found [-1, 6, 6, 4]": maps,
        "which say yes or no to each class by itself": lambda: to_tflite(one_score("sigmoid", 4)),
    }


@pytest.mark.parametrize("number", range(3))
def test_a_file_that_is_no_classifier_of_images_is_refused_in_one_line(number: int, tmp_path: Path, capfd: Any) -> None:
    said, build = list(refused_files().items())[number]
    (tmp_path / "net.tflite").write_bytes(build())
    words = ["--calibration", str(DIGITS), "-o", str(tmp_path / "bundle")]
    assert main(["export", str(tmp_path / "net.tflite"), *words]) == 2
    told = capfd.readouterr().err.strip().splitlines()
    assert said in told[-1]
    assert "Traceback" not in "".join(told)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("layout", "said"),
    [(None, "nothing tells which axis they are; say --layout NHWC or --layout NCHW"), ("NHWC", ""), ("NCHW", "")],
)
def test_axes_that_do_not_tell_are_asked_for(layout: str | None, said: str, tmp_path: Path, capfd: Any) -> None:
    keras, layers = load("keras"), load("keras").layers
    model = keras.Sequential([keras.Input((3, 9, 3)), layers.Flatten(), layers.Dense(2)])
    (tmp_path / "net.tflite").write_bytes(to_tflite(model))
    size = (3, 9, 3) if layout != "NCHW" else (9, 3, 3)
    images = np.random.default_rng(0).integers(0, 256, (60, *size), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=np.arange(60) % 2)
    words = ["--calibration", str(tmp_path / "data.npz"), "--scale", "1", "-o", str(tmp_path / "bundle")]
    code = main(["export", str(tmp_path / "net.tflite"), *words, *(["--layout", layout] if layout else [])])
    assert said in capfd.readouterr().err.splitlines()[-1]
    assert (code == 2) == (layout is None)
    if layout is not None:
        assert Bundle.load(tmp_path / "bundle").manifest.image == size
        expected = images if layout == "NHWC" else images.transpose(0, 3, 1, 2)
        scores = np.asarray(model(expected.astype(np.float32)), np.float64)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        with DigitClassifier(tmp_path / "bundle") as classifier:
            found = classifier.classify_batch(images)
        np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=1e-4)
