"""How pictures become a model's pixels is said, or known from the training; a shape proves nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case
from PIL import Image

from edgedigits.bundle import LOCATOR_BUNDLE, Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.cli.main import main
from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits_export.bundle.preprocessing import choose_preprocessing, look_like_digits
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
NAMES = tuple("0123456789")
MNIST = {"data": {"source": "mnist:train"}}
NOTE = (
    "note: these look like digits; if the model was trained on digits in MNIST's form, --preprocess digit finds them "
    "in photographs and refuses what is none"
)


@pytest.mark.parametrize(
    ("wanted", "training", "labels", "found"),
    [
        (None, None, NAMES, "resize/1"),
        (None, MNIST, NAMES, "digit/2"),
        (None, MNIST, tuple("ab"), "resize/1"),
        (None, {"data": {"source": "my-digits"}}, NAMES, "resize/1"),
        ("digit", None, NAMES, "digit/2"),
        ("resize", MNIST, NAMES, "resize/1"),
    ],
)
def test_the_pipeline_is_said_or_known(wanted: Any, training: Any, labels: tuple[str, ...], found: str) -> None:
    chosen = choose_preprocessing(wanted, training, labels)
    assert chosen.id == found
    assert chosen.locator == (Bundle.load(LOCATOR_BUNDLE).id if found == "digit/2" else None)


@pytest.mark.parametrize("labels", [NAMES[::-1], NAMES[:9], ("zero", *NAMES[1:])])
def test_digits_have_the_labels_0_to_9_in_order(labels: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--preprocess digit: expected the labels 0 to 9 in this order"):
        choose_preprocessing("digit", None, labels)


def test_digits_look_like_digits_in_any_polarity_and_size_and_other_things_do_not(digits: Dataset) -> None:
    large = np.stack([np.asarray(Image.fromarray(255 - image[..., 0]).resize((50, 50))) for image in digits.images])
    coloured = np.repeat(large[..., np.newaxis], 3, axis=-1)
    for images in (digits.images, 255 - digits.images, large[..., np.newaxis], coloured):
        assert look_like_digits(Dataset(images, digits.labels, NAMES, "digits"))
    stripes = np.zeros((40, 28, 28, 1), np.uint8)
    stripes[:, ::4] = 255
    assert not look_like_digits(Dataset(stripes, np.arange(40) % 10, NAMES, "stripes"))
    assert not look_like_digits(Dataset(digits.images, digits.labels, tuple("abcdefghij"), "letters"))
    # `--preprocess digit` would be refused.
    turned = Dataset(digits.images, (digits.labels + 9) % 10, (*NAMES[1:], "0"), "digits")
    assert not look_like_digits(turned)


@pytest.fixture(scope="module")
def colourful(cases: dict[str, Case], digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of digits that takes 40 by 32 pixels of three channels, and such digits."""
    folder = tmp_path_factory.mktemp("colourful")
    keras, layers = load("keras"), load("keras").layers
    image = keras.Input((40, 32, 3))
    grey = keras.ops.mean(image, axis=-1, keepdims=True)
    with quiet():
        keras.Model(image, cases["cnn"].frozen.model(layers.Resizing(28, 28)(grey))).save(folder / "net.keras")
    large = [np.asarray(Image.fromarray(one[..., 0]).resize((32, 40))) for one in digits.images]
    np.savez(folder / "digits.npz", images=np.repeat(np.stack(large)[..., np.newaxis], 3, -1), labels=digits.labels)
    return folder


def export(folder: Path, bundle: Path, *words: str) -> int:
    data = ["--calibration", str(folder / "digits.npz"), "-o", str(bundle), "--variants", "float32.tflite"]
    return main(["export", str(folder / "net.keras"), "--scale", "1", *data, *words])


def test_a_model_of_digits_of_any_size_finds_them_in_pictures(
    colourful: Path, digits: Dataset, tmp_path: Path, capfd: Any
) -> None:
    assert export(colourful, tmp_path / "bundle", "--preprocess", "digit") == 0
    assert NOTE not in capfd.readouterr().err
    pictures = [Image.fromarray(np.pad(255 - one[..., 0], 30, constant_values=255)) for one in digits.images[::5]]
    with DigitClassifier(tmp_path / "bundle") as classifier:
        found = [classifier.classify(picture) for picture in pictures]
        assert {one.model_input.shape for one in found} == {(40, 32, 3)}
        assert np.mean([one.label == str(label) for one, label in zip(found, digits.labels[::5], strict=True)]) > 0.9
        page = Image.new("L", (300, 88), 255)
        for place, picture in enumerate(pictures[:3]):
            page.paste(picture, (20 + 90 * place, 0))
        assert 2 <= len(classifier.read(page).digits) <= 3
    assert main(["selftest", str(tmp_path / "bundle")]) == 0


def test_without_a_word_the_same_model_gets_pictures_as_they_are_and_export_says_what_it_sees(
    colourful: Path, tmp_path: Path, capfd: Any
) -> None:
    assert export(colourful, tmp_path / "bundle") == 0
    assert NOTE in capfd.readouterr().err.splitlines()
    assert json.loads((tmp_path / "bundle" / "manifest.json").read_text())["preprocessing"]["id"] == "resize/1"
    Image.new("L", (60, 60), 255).save(tmp_path / "page.png")
    assert main(["read", str(tmp_path / "page.png"), "--bundle", str(tmp_path / "bundle")]) == 2
    assert "classify with it, or export it with --preprocess digit if it is one" in capfd.readouterr().err
