"""The architectures: any image, any number of classes, raw pixels in, probabilities out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import edgedigits_train
from edgedigits.errors import UsageError
from edgedigits_train.config import LOCATOR, PRESETS
from edgedigits_train.models.architectures import FAMILY, TEXTBOOK, Stage, parse_stages
from edgedigits_train.models.build import build_from, build_model, count_macs

pytestmark = pytest.mark.tensorflow

ARCHITECTURES = (*TEXTBOOK, *FAMILY)

SHAPES = [(28, 28, 1), (32, 32, 3), (12, 17, 1), (40, 20, 3)]


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("shape", SHAPES)
def test_raw_pixels_of_any_shape_give_probabilities(name: str, shape: tuple[int, int, int], classes: int) -> None:
    model = build_model(name, shape, classes)
    pixels = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.float32)
    outputs = np.asarray(model(pixels))
    assert outputs.shape == (3, classes)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)
    assert outputs.min() >= 0
    # Unscaled pixels of up to 255 would saturate a fresh network.
    assert outputs.max() < 0.99


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_scaling_to_one_is_inside_and_softmax_is_last(name: str) -> None:
    model = build_model(name, (28, 28, 1), 10)
    assert [layer.scale for layer in model.layers if isinstance(layer, layers.Rescaling)] == [1 / 255]
    assert model.layers[-1].name == "probabilities"
    assert model.layers[-1].activation is keras.activations.softmax
    assert not any(isinstance(layer, layers.Lambda) for layer in model.layers)


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 8, 3)])
def test_mlp_and_the_family_take_the_smallest_images(shape: tuple[int, int, int]) -> None:
    for name in ("mlp", *FAMILY):
        assert build_model(name, shape, 3).output.shape == (None, 3)


def test_lenet5_says_which_images_are_too_small() -> None:
    with pytest.raises(UsageError, match=r"at least 12 x 12 pixels, found 8 x 11; take --model small"):
        build_model("lenet5", (8, 11, 1), 10)


def test_known_sizes() -> None:
    def of(name: str) -> tuple[int, int]:
        model = build_model(name, (28, 28, 1), 10)
        return model.count_params(), count_macs(model)

    assert of("mlp") == (784 * 128 + 128 + 128 * 10 + 10, 784 * 128 + 128 * 10)
    assert of("lenet5") == (61_706, 784 * 25 * 6 + 100 * 150 * 16 + 400 * 120 + 120 * 84 + 84 * 10)
    parameters, macs = of("small")
    kernels = [9 * taken * given for taken, given in pairwise((1, 24, 24, 32, 40, 40, 36))]
    # Maps of 13, 11, 9, 7, 5 and 3 pixels; a batch normalisation keeps four figures a channel.
    assert parameters == sum(kernels) + 4 * (24 + 24 + 32 + 40 + 40 + 36) + 9 * 36 * 10 + 10
    assert macs == sum(k * side**2 for k, side in zip(kernels, (13, 11, 9, 7, 5, 3), strict=True)) + 9 * 36 * 10
    assert macs <= 2_500_000


def test_every_architecture_has_its_defaults() -> None:
    assert all({*ARCHITECTURES, LOCATOR} == set(recipes) for recipes in PRESETS.values())


def test_depthwise_separable_stages_are_counted_and_cheaper() -> None:
    def built(*, separable: bool) -> keras.Model:
        return build_from((Stage(8, 3, 2), Stage(16, 3, 2, separable)), "candidate", (28, 28, 1), 10)

    model = built(separable=True)
    head = 7 * 7 * 16 * 10
    assert count_macs(model) == 14 * 14 * 9 * 8 + 7 * 7 * (9 * 8 + 8 * 16) + head
    assert count_macs(built(separable=False)) == 14 * 14 * 9 * 8 + 7 * 7 * 9 * 8 * 16 + head


def test_stages_are_read_as_they_are_written() -> None:
    assert parse_stages("16k5s2dv 8 4s2v") == (
        Stage(16, 5, 2, separable=True, valid=True),
        Stage(8),
        Stage(4, stride=2, valid=True),
    )
    for wrong in ("k5", "16x", "16vd"):
        with pytest.raises(UsageError, match=f"like 16k5s2dv, found {wrong}"):
            parse_stages(f"8 {wrong}")


def test_stages_without_padding_shrink_the_map_while_there_is_one() -> None:
    stages = (Stage(4, 5, 2, valid=True), Stage(4, 3, 2, separable=True, valid=True), Stage(4, valid=True))
    sizes = {28: [12, 5, 3], 5: [1, 1, 1]}
    for size, expected in sizes.items():
        model = build_from(stages, "candidate", (size, size, 1), 10)
        assert [model.get_layer(f"conv{number}").output.shape[1] for number in (1, 2, 3)] == expected


def test_keras_own_separable_layer_is_counted() -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.SeparableConv2D(5, 3, padding="same")(image))
    assert count_macs(model) == 64 * (9 * 3 + 3 * 5)


def test_tensorflow_is_known_to_its_settings_alone() -> None:
    # So that another Keras backend trains the same networks.
    sources = Path(str(edgedigits_train.__file__)).parent.rglob("*.py")
    assert [path.name for path in sources if "import tensorflow" in path.read_text()] == ["backend.py"]
    for name in ARCHITECTURES:
        assert all(type(layer).__module__.startswith("keras.") for layer in build_model(name, (28, 28, 1), 10).layers)
