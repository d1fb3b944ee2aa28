"""The temperature inside an exported model: where it goes, what it leaves alone, and that it can be undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.datasets import Dataset, load_splits
from edgedigits.errors import BundleError
from edgedigits.verification.statistics import undo_temperature
from edgedigits_export.keras_model.calibrated import calibrate_in_place, fold_temperature
from edgedigits_export.keras_model.frozen import FrozenModel, freeze, softmax
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
NO_DENSE = "the model shows no Dense layer and softmax at its end, which could hold one"


@pytest.fixture(scope="module")
def shifted(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real digits in 25 places each: enough for a temperature among the tenth that validates."""
    shifts = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    images = np.concatenate([np.roll(digits.images, shift, axis=(1, 2)) for shift in shifts])
    file = tmp_path_factory.mktemp("shifted") / "shifted.npz"
    np.savez(file, images=images, labels=np.tile(digits.labels, len(shifts)), names=np.array(digits.names))
    return file


@pytest.fixture(scope="module")
def validation(shifted: Path) -> Dataset:
    return load_splits(str(shifted), lambda _: np.empty(0, np.uint8)).validation


def _shares(values: Any) -> Any:
    return values / load("keras").ops.sum(values, axis=-1, keepdims=True)


def ends() -> dict[str, list[Any]]:
    """The last layers of classifiers, those that hold a temperature first."""
    layers, keras = load("keras").layers, load("keras")
    nested = keras.Sequential([layers.Input((36,)), layers.Dense(10, activation="softmax")])
    twice = layers.Dense(10)
    return {
        "logits": [layers.Dense(10)],
        "no bias": [layers.Dense(10, use_bias=False)],
        "softmax inside": [layers.Dense(10, activation="softmax")],
        "softmax layer": [layers.Dense(10), layers.Softmax()],
        "activation layer": [layers.Dense(10), layers.Activation("softmax")],
        "nested": [nested],
        "softmax behind a model": [keras.Sequential([layers.Input((36,)), layers.Dense(10)]), layers.Softmax()],
        "a convolution": [layers.Reshape((6, 6, 1)), layers.Conv2D(10, 6), layers.Flatten(), layers.Softmax()],
        "two softmaxes": [layers.Dense(10, activation="softmax"), layers.Softmax()],
        "something between": [layers.Dense(10), layers.LayerNormalization(), layers.Softmax()],
        "by hand": [layers.Dense(10, activation="softplus"), layers.Lambda(_shares)],
        "one layer twice": [layers.Dense(10), twice, twice, layers.Softmax()],
    }


HOLDING = [
    "logits",
    "no bias",
    "softmax inside",
    "softmax layer",
    "activation layer",
    "nested",
    "softmax behind a model",
]
NOT_HOLDING = ["a convolution", "two softmaxes", "something between", "by hand", "one layer twice"]


def model(name: str) -> FrozenModel:
    keras, layers = load("keras"), load("keras").layers
    keras.utils.set_random_seed(3)
    with quiet():
        tensor = image = keras.Input((28, 28, 1))
        for layer in [layers.Conv2D(4, 5, 4), layers.AveragePooling2D(2), layers.Flatten(), *ends()[name]]:
            tensor = layer(tensor)
        return freeze(keras.Model(image, tensor), Scaling(1 / 255))


def weights(frozen: FrozenModel) -> list[NDArray[Any]]:
    found: list[NDArray[Any]] = frozen.model.get_weights()
    return found


@pytest.mark.parametrize("name", HOLDING)
@pytest.mark.parametrize("temperature", [0.3, 1.7])
def test_folding_divides_the_scores_and_changes_no_class(name: str, temperature: float, digits: Dataset) -> None:
    frozen = model(name)
    scores, before = frozen.logits(digits.images), frozen.predict(digits.images)
    assert scores is not None
    np.testing.assert_allclose(softmax(scores)[:, :10], before, atol=1e-6)
    fold_temperature(frozen, temperature)
    after = frozen.predict(digits.images)
    np.testing.assert_allclose(after, softmax(scores / np.float32(temperature))[:, :10], atol=1e-6)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    np.testing.assert_allclose(undo_temperature(after, temperature), before, atol=1e-6)


@pytest.mark.parametrize("name", HOLDING)
def test_a_temperature_is_fitted_and_folded_into_every_such_end(name: str, validation: Dataset) -> None:
    frozen = model(name)
    labels = _honest(frozen, validation, 10.0)
    before = frozen.predict(validation.images)
    found = calibrate_in_place(frozen, labels).confidence
    assert (found.why_not, found.count, found.fitted_on) == (None, len(validation), validation.source)
    assert found.temperature == pytest.approx(0.1, rel=0.5)
    assert found.nll_after < found.nll_before
    assert found.ece_after < found.ece_before
    np.testing.assert_allclose(
        undo_temperature(frozen.predict(validation.images), found.temperature), before, atol=1e-5
    )


def _honest(frozen: FrozenModel, data: Dataset, factor: float) -> Dataset:
    """The images with labels as often as the model's scores, times ``factor``, say."""
    logits = frozen.logits(data.images)
    scores = np.log(frozen.predict(data.images)) if logits is None else logits[:, : frozen.classes]
    edges = np.cumsum(softmax(np.float32(factor) * scores), axis=1)[:, :-1]
    labels = (np.random.default_rng(0).random((len(data), 1)) > edges).sum(axis=1)
    return Dataset(data.images, labels, data.names, data.source)


@pytest.mark.parametrize("name", NOT_HOLDING)
def test_another_end_is_left_alone_and_said(name: str, validation: Dataset) -> None:
    frozen = model(name)
    kept = weights(frozen)
    found = calibrate_in_place(frozen, _honest(frozen, validation, 3.0)).confidence
    assert (found.temperature, found.why_not) == (1.0, NO_DENSE)
    assert (found.ece_before, found.nll_before) == (found.ece_after, found.nll_after)
    assert all(np.array_equal(was, now) for was, now in zip(kept, weights(frozen), strict=True))


def test_a_model_that_is_not_the_bundles_cannot_be_given_its_temperature() -> None:
    with pytest.raises(BundleError, match=r"to hold the temperature 1\.5, found another; name the \.keras file"):
        fold_temperature(model("a convolution"), 1.5)


def test_too_few_images_leave_the_model_alone_and_say_so(validation: Dataset) -> None:
    frozen = model("logits")
    kept = weights(frozen)
    found = calibrate_in_place(frozen, validation.take(np.arange(5))).confidence
    assert found.temperature == 1
    assert found.why_not is not None
    assert "5 validation images" in found.why_not
    assert all(np.array_equal(was, now) for was, now in zip(kept, weights(frozen), strict=True))


def test_a_temperature_that_would_raise_the_calibration_error_is_not_taken(validation: Dataset) -> None:
    """Scores that all lean to one class: sharper ones make labels likelier, and that class too confident."""
    frozen = model("logits")
    labels = _honest(frozen, validation, 10.0)
    layer = frozen.model.layers[-1]
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias + 0.5 * np.eye(10, dtype=np.float32)[0]])
    kept = weights(frozen)
    found = calibrate_in_place(frozen, labels).confidence
    assert found.temperature == 1
    assert found.why_not is not None
    assert "would make labels likelier, but raise the expected calibration error from" in found.why_not
    assert found.ece_before == found.ece_after
    assert all(np.array_equal(was, now) for was, now in zip(kept, weights(frozen), strict=True))


@pytest.fixture(scope="module")
def keras_file(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network trained far too long on a hundred digits: sure of itself, and often wrong on shifted ones."""
    keras, layers = load("keras"), load("keras").layers
    keras.utils.set_random_seed(7)
    file = tmp_path_factory.mktemp("sure") / "sure.keras"
    with quiet():
        net = keras.Sequential(
            [
                layers.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten(),
                layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax"),
            ]
        )  # fmt: skip
        net.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
        net.fit(digits.images.astype(np.float32), digits.labels, batch_size=50, epochs=60, verbose=0, shuffle=False)
        net.save(file)
    return file


def exported(keras_file: Path, data: Path, bundle: Path) -> Bundle:
    words = ["export", str(keras_file), "--calibration", str(data), "-o", str(bundle), "--variants", "float32.tflite"]
    assert main(words) == 0
    return Bundle.load(bundle)


@pytest.fixture(scope="module")
def bundle(keras_file: Path, shifted: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        return exported(keras_file, shifted, tmp_path_factory.mktemp("calibrated") / "bundle")


def test_an_overconfident_model_is_exported_with_its_temperature(
    bundle: Bundle, keras_file: Path, shifted: Path
) -> None:
    known = bundle.manifest.confidence
    splits = load_splits(str(shifted), lambda _: np.empty(0, np.uint8))
    assert (known.why_not, known.count, known.fitted_on) == (None, len(splits.validation), str(shifted))
    assert known.temperature > 1.5
    assert known.ece_after < 0.7 * known.ece_before
    assert known.nll_after < known.nll_before
    # What Keras says without it is what parity finds when it undoes it.
    unfolded = freeze(load_keras(keras_file)).predict(splits.test.images)
    np.testing.assert_allclose(undo_temperature(bundle.reference(), known.temperature), unfolded, atol=1e-6)
    np.testing.assert_array_equal(bundle.reference().argmax(axis=1), unfolded.argmax(axis=1))


def test_the_same_model_and_data_give_the_same_bytes(
    bundle: Bundle, keras_file: Path, shifted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    exported(keras_file, shifted, tmp_path / "again")
    for entry in bundle.path.iterdir():
        assert entry.read_bytes() == (tmp_path / "again" / entry.name).read_bytes(), entry.name


def test_parity_tells_the_error_before_and_after(
    bundle: Bundle, shifted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["parity", str(bundle.path), "--data", str(shifted), "--engine", "litert"]
    assert main([*words, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    figures = row["comparison"]
    assert figures["ece"] < figures["ece_before"]
    assert figures["nll"] < figures["nll_before"]


def test_layer_by_layer_the_bundle_is_held_against_the_model_with_its_temperature(
    bundle: Bundle, keras_file: Path, shifted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["parity", str(bundle.path), "--data", str(shifted), "--per-layer", str(keras_file), "--json"]
    assert main(words) == 0
    (variant,) = json.loads(capsys.readouterr().out)["variants"]
    assert variant["rows"][-1]["kind"] == "Dense"
    assert variant["rows"][-1]["sqnr_db"] > 100


def test_export_and_show_say_the_temperature_or_why_there_is_none(
    bundle: Bundle, keras_file: Path, shifted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(bundle.path)]) == 0
    known = bundle.manifest.confidence
    line = f"confidence: temperature {known.temperature:g}, fitted on {known.count} validation images of {shifted}; "
    line += f"there, expected calibration error {known.ece_before:.4f} -> {known.ece_after:.4f}"
    assert line in capsys.readouterr().out.splitlines()
    few = exported(keras_file, DIGITS, tmp_path / "few")
    why = few.manifest.confidence.why_not
    assert few.manifest.confidence.temperature == 1
    assert f"confidence: no temperature fitted: {why}" in capsys.readouterr().out.splitlines()
    np.testing.assert_allclose(
        few.reference(),
        freeze(load_keras(keras_file)).predict(
            load_splits(str(DIGITS), lambda _: np.empty(0, np.uint8)).test.images
        ),
        atol=1e-6,
    )  # fmt: skip
    assert main(["show", str(few.path)]) == 0
    assert f"confidence: no temperature fitted: {why}" in capsys.readouterr().out.splitlines()
