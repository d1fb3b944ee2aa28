"""A scaling that was forgotten, or said wrongly, is found by asking Keras which one makes the labels likeliest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case

from edgedigits.cli.main import main
from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits_export.bundle.scaling_check import require_likeliest, require_raw_pixels, rivals_of
from edgedigits_export.keras_model.frozen import FrozenModel, freeze
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"


def test_a_model_that_scales_pixels_itself_takes_them_raw(cases: dict[str, Case], digits: Dataset) -> None:
    require_raw_pixels(cases["cnn"].frozen, digits)


def test_a_model_that_normalises_any_input_takes_them_raw(digits: Dataset) -> None:
    """A layer normalisation first makes all three scalings the same, so that none has to be said."""
    keras, layers = load("keras"), load("keras").layers
    image = keras.Input((28, 28, 1))
    flat = layers.Flatten()(image)
    first = layers.LayerNormalization(epsilon=0.0)(flat)
    frozen = freeze(keras.Model(image, layers.Dense(10)(first)))
    require_raw_pixels(frozen, digits)


def test_a_forgotten_division_by_255_is_told_with_the_words_to_say(cases: dict[str, Case], digits: Dataset) -> None:
    forgotten = replace(cases["vector"].frozen, scaling=Scaling())
    with pytest.raises(UsageError) as caught:
        require_raw_pixels(forgotten, digits)
    said = str(caught.value)
    assert "on 100 images it is not clear that this one does (--scale 1: " in said
    assert said.endswith("; say --scale 1/255; --scale 1 is never questioned")


def test_the_question_is_about_likelihood_since_a_model_fed_too_much_may_be_as_right(
    cases: dict[str, Case], digits: Dataset
) -> None:
    """A linear model without bias has the same answers whatever the factor, each of them at 100 %."""
    keras = load("keras")
    model = keras.Sequential([keras.layers.Input((784,)), keras.layers.Dense(10, use_bias=False)])
    flat = digits.images.reshape(-1, 784).astype(np.float64) / 255
    targets = np.eye(10)[digits.labels] - 0.1
    weights = np.linalg.solve(flat.T @ flat + 3 * np.eye(784), flat.T @ targets)
    model.set_weights([(8 * weights).astype(np.float32)])
    frozen = freeze(model)
    right = [
        (replace(frozen, scaling=scaling).predict(digits.images).argmax(axis=1) == digits.labels).mean()
        for scaling in (Scaling(), Scaling(1 / 255))
    ]
    assert right[0] == right[1] > 0.9
    with pytest.raises(UsageError, match=r"say --scale 1/255"):
        require_raw_pixels(frozen, digits)


def test_pixels_from_minus_one_to_one_are_told(cases: dict[str, Case], digits: Dataset) -> None:
    inner = cases["vector"].frozen.model
    keras = load("keras")
    # The same network behind (x + 1) / 2: what it takes is x from -1 to 1.
    with quiet():
        model = keras.Sequential([keras.layers.Input((784,)), keras.layers.Rescaling(0.5, 0.5), inner])
    with pytest.raises(UsageError, match=r"say --scale 1/127\.5 --mean 1; --scale 1 is never questioned"):
        require_raw_pixels(freeze(model), digits)


def test_a_model_that_none_of_them_suits_is_told_all_three(cases: dict[str, Case], digits: Dataset) -> None:
    keras = load("keras")
    model = keras.Sequential([keras.layers.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.set_weights([np.zeros((784, 10), np.float32), np.zeros(10, np.float32)])
    require_raw_pixels(freeze(model), digits)  # it says the same of everything
    model.set_weights([np.random.default_rng(0).normal(0, 0.02, (784, 10)), np.zeros(10)])
    with pytest.raises(UsageError, match=r"say which: --scale 1, or --scale 1/255, or --scale 1/127\.5 --mean 1$"):
        require_raw_pixels(freeze(model), digits.take(np.arange(0, 100, 10)))


def coloured(digits: Dataset) -> tuple[Dataset, FrozenModel]:
    """Digits in one of two colours, the label, and a model that knows them by their first channel alone."""
    labels = np.arange(100) % 2
    images = np.zeros((100, 28, 28, 3), np.uint8)
    for index, image in enumerate(digits.images[..., 0]):
        images[index, ..., 0 if labels[index] else 2] = image
    keras, layers = load("keras"), load("keras").layers
    image = keras.Input((28, 28, 3))
    means = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, layers.Dense(2)(means))
    model.set_weights([np.array([[0, 90], [0, 0], [90, 0]], np.float32), np.zeros(2, np.float32)])
    return Dataset(images, labels, ("blue", "red"), "colours"), freeze(model)


def test_a_model_of_blue_first_is_told_and_so_is_one_that_is_not(digits: Dataset) -> None:
    data, frozen = coloured(digits)
    right, wrong = Scaling(), Scaling(bgr=True)
    require_likeliest(frozen, rivals_of(right, 3, with_scale=True), data)
    with pytest.raises(
        UsageError, match=r"found --scale 1 --bgr: 0\.0% right .* where --scale 1: 100\.0% .*; say --scale 1$"
    ):
        require_likeliest(replace(frozen, scaling=wrong), rivals_of(wrong, 3, with_scale=True), data)


def test_means_in_the_other_order_are_told(digits: Dataset) -> None:
    data, frozen = coloured(digits)
    means = (60.0, 0.0, 0.0)
    # A model that was trained with these means: it adds them again.
    keras = load("keras")
    with quiet():
        back = keras.Sequential([keras.Input((28, 28, 3)), keras.layers.Rescaling(1.0, list(means)), frozen.model])
    own = replace(freeze(back), scaling=Scaling(mean=means))
    require_likeliest(own, rivals_of(own.scaling, 3, with_scale=True), data)
    turned = Scaling(mean=means[::-1])
    with pytest.raises(UsageError, match=r"say --scale 1 --mean 60 0 0$"):
        require_likeliest(replace(own, scaling=turned), rivals_of(turned, 3, with_scale=True), data)


def test_a_mean_and_deviation_without_the_division_by_255_are_told(cases: dict[str, Case], digits: Dataset) -> None:
    said = Scaling(mean=(0.1307,), std=(0.3081,))
    frozen = replace(cases["separable"].frozen, scaling=said)
    with pytest.raises(UsageError, match=r"say --scale 1/255 --mean 0\.1307 --std 0\.3081$"):
        require_likeliest(frozen, rivals_of(said, 1, with_scale=False), digits)
    assert rivals_of(said, 1, with_scale=True) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "say --scale 1/255; --scale 1 is never questioned"),
        (("--scale", "1"), 0, ""),
        (("--scale", "1/255"), 0, ""),
        (("--scale", "0.00392156862745098"), 0, ""),
        (("--scale", "1/0"), 2, "--scale: expected a number such as 0.5 or 1/255, found '1/0'"),
        (("--scale", "a/b"), 2, "--scale: expected a number such as 0.5 or 1/255, found 'a/b'"),
        (("--scale", "1/255", "--bgr"), 2, "--bgr: expected a model of 3 channels, found 1; leave it out"),
    ],
)
def test_export_asks_only_where_no_scale_was_said(
    cases: dict[str, Case], tmp_path: Path, capfd: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    with quiet():
        cases["vector"].frozen.model.save(tmp_path / "net.keras")
    bundle = tmp_path / "bundle"
    command = ["export", str(tmp_path / "net.keras"), "--calibration", str(DIGITS), "-o", str(bundle)]
    try:
        found = main([*command, "--variants", "float32.tflite", *words])
    except SystemExit as stopped:  # argparse
        found = stopped.code
    assert found == code
    told = capfd.readouterr().err.strip().splitlines()
    assert said in told[-1]
    assert bundle.exists() == (code == 0)
