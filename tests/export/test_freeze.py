from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import Case, assert_probabilities

from edgedigits.datasets import Dataset
from edgedigits.errors import InputError, UsageError
from edgedigits_export.keras_model.frozen import freeze, softmax
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import load

pytestmark = pytest.mark.tensorflow

keras = load("keras")
layers = keras.layers


def classifier(*stack: Any, shape: tuple[int | None, ...] = (8, 8, 1)) -> Any:
    return keras.Sequential([layers.Input(shape), *stack])


@pytest.mark.parametrize(
    ("name", "shape", "classes", "adds_softmax"),
    [
        ("cnn", (28, 28, 1), 10, True),
        ("separable", (28, 28, 1), 10, False),
        ("colour", (32, 32, 3), 10, False),
        ("two_class", (15, 21, 1), 2, False),
        ("vector", (28, 28, 1), 10, True),
    ],
)
def test_sizes_channels_classes_and_softmax_are_read_off_the_model(
    cases: dict[str, Case], name: str, shape: tuple[int, int, int], classes: int, *, adds_softmax: bool
) -> None:
    frozen = cases[name].frozen
    assert (frozen.input_shape, frozen.classes, frozen.adds_softmax) == (shape, classes, adds_softmax)


def test_the_reference_is_what_keras_computes_of_scaled_pixels(case: Case) -> None:
    frozen = case.frozen
    gain, offset = frozen.scaling.affine(frozen.input_shape[-1])
    pixels = (case.images * gain + offset).reshape(-1, *frozen.model.inputs[0].shape[1:])
    expected = np.asarray(frozen.model(pixels.astype(np.float32), training=False))
    expected = softmax(expected) if frozen.adds_softmax else expected
    np.testing.assert_allclose(case.keras, expected, atol=1e-6)
    assert_probabilities(case.keras)
    assert case.keras.dtype == np.float32


def test_the_reference_does_not_depend_on_batches(cases: dict[str, Case]) -> None:
    case = cases["cnn"]
    many = np.concatenate([case.images] * 3)
    np.testing.assert_array_equal(case.frozen.predict(many), case.frozen.predict(many))
    np.testing.assert_allclose(case.frozen.predict(many)[200:], case.keras, atol=1e-6)
    assert case.frozen.predict(case.images[:0]).shape == (0, 10)


def test_the_models_of_these_tests_tell_digits_apart(cases: dict[str, Case], digits: Dataset) -> None:
    for name in ("cnn", "separable", "vector"):
        assert (cases[name].keras.argmax(axis=1) == digits.labels).mean() > 0.9


@pytest.mark.parametrize("batch", [1, None])
def test_the_frozen_function_keeps_the_contract(case: Case, batch: int | None) -> None:
    function = case.frozen.concrete_function(batch)
    (image,), (probabilities,) = function.inputs, function.outputs
    assert (image.name, image.dtype.name, image.shape.as_list()) == (
        "image:0", "uint8", [batch, *case.frozen.input_shape],
    )  # fmt: skip
    assert (probabilities.name, probabilities.dtype.name) == ("probabilities:0", "float32")
    assert not {op.type for op in function.graph.get_operations()} & {"ReadVariableOp", "VarHandleOp"}
    outputs = function(load("tensorflow").constant(case.images[:1]))
    np.testing.assert_allclose(np.asarray(outputs), case.keras[:1], atol=1e-6)


def test_a_softmax_at_the_end_is_cut_off_for_quantization(case: Case) -> None:
    function, needs_softmax = case.frozen.scores_function()
    assert needs_softmax
    assert "Softmax" not in {op.type for op in function.graph.get_operations()}
    (scores,) = function(load("tensorflow").constant(case.images[:1].astype(np.float32)))
    np.testing.assert_allclose(softmax(np.asarray(scores)), case.keras[:1], atol=1e-6)


def test_probabilities_made_without_a_softmax_layer_are_seen_by_their_sum() -> None:
    image = keras.Input((8, 8, 1))
    powers = keras.ops.exp(layers.Dense(3)(layers.Rescaling(1 / 255)(layers.Flatten()(image))))
    frozen = freeze(keras.Model(image, powers / keras.ops.sum(powers, axis=-1, keepdims=True)))
    assert not frozen.adds_softmax
    assert frozen.scores_function()[1] is False


def test_only_some_of_the_classes_of_a_softmax_are_refused_with_the_way_out() -> None:
    image = keras.Input((8, 8, 1))
    every = layers.Dense(5, activation="softmax", name="every")(layers.Flatten()(image))
    model = keras.Model(image, every[:, :4])
    with pytest.raises(UsageError, match=r"found a choice of those of 'every'; export keras\.Model\(") as told:
        freeze(model)
    whole = eval(str(told.value).rpartition("; export ")[2], {"keras": keras, "model": model})  # noqa: S307
    assert freeze(whole).classes == 5


@pytest.mark.parametrize(
    ("stack", "adds_softmax"),
    [
        (lambda: [layers.Flatten(), layers.Dense(3), layers.Activation("softmax")], False),
        (lambda: [layers.Flatten(), classifier(layers.Dense(3, activation="softmax"), shape=(64,))], False),
        (lambda: [layers.Flatten(), layers.Dense(3, activation="softmax"), layers.Dropout(0.5)], False),
        (lambda: [layers.Flatten(), layers.Dense(3, activation="relu")], True),
        (lambda: [layers.Flatten(), layers.Dense(3, activation="log_softmax")], True),
    ],
    ids=["activation-layer", "nested", "dropout-behind", "relu", "log-softmax"],
)
def test_what_ends_a_model_is_understood(stack: Callable[[], list[Any]], *, adds_softmax: bool) -> None:
    assert freeze(classifier(*stack())).adds_softmax is adds_softmax


@pytest.mark.parametrize(("shape", "seen"), [((8, 9), (8, 9, 1)), ((64,), (8, 8, 1)), ((8, 9, 4), (8, 9, 4))])
def test_an_image_may_come_without_a_channel_axis(shape: tuple[int, ...], seen: tuple[int, int, int]) -> None:
    frozen = freeze(classifier(layers.Flatten(), layers.Dense(3), shape=shape))
    assert frozen.input_shape == seen
    assert frozen.predict(np.zeros((2, *seen), np.uint8)).shape == (2, 3)


def two_inputs() -> Any:
    ends = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    return keras.Model(ends, layers.Dense(3)(layers.Flatten()(layers.add(ends))))


def two_outputs() -> Any:
    image = keras.Input((8, 8, 1))
    flat = layers.Flatten()(image)
    return keras.Model(image, [layers.Dense(3)(flat), layers.Dense(3)(flat)])


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (two_inputs, "one of its inputs, found 2"),
        (two_outputs, "one of its outputs, found 2"),
        (lambda: keras.Sequential([layers.Flatten(), layers.Dense(3)]), "a defined input, found one without"),
        (lambda: classifier(layers.GlobalMaxPooling2D(), layers.Dense(3), shape=(None, None, 1)), "fixed size"),
        (lambda: classifier(layers.Dense(3), shape=(63,)), r"found \[63\]"),
        (lambda: classifier(layers.Flatten(), layers.Dense(3), shape=(2, 8, 8, 1)), r"found \[2, 8, 8, 1\]"),
        (lambda: classifier(layers.Conv2D(3, 3)), "one vector of class scores"),
    ],
)  # fmt: skip
def test_what_is_no_image_classifier_is_refused_in_one_line(build: Callable[[], Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        freeze(build())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "scaling",
    [{"std": (0.0,)}, {"scale": 0.0}, {"scale": float("nan")}, {"mean": (float("inf"),)}, {"mean": ()}, {"std": ()}],
)
def test_scaling_that_makes_no_sense_is_refused(scaling: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="scale and std other than 0"):
        Scaling(**scaling)


def test_scaling_has_one_value_or_one_a_channel() -> None:
    gain, offset = Scaling(0.5, (1.0, 2.0), (4.0,)).affine(2)
    np.testing.assert_array_equal(gain, [0.125, 0.125])
    np.testing.assert_array_equal(offset, [-0.25, -0.5])
    with pytest.raises(UsageError, match="1 or 3 values for --mean, found 2"):
        freeze(classifier(layers.Flatten(), layers.Dense(3), shape=(8, 8, 3)), Scaling(mean=(1.0, 2.0)))


@pytest.mark.parametrize("images", [np.zeros((1, 28, 28, 1)), np.zeros((1, 28, 28), np.uint8)])
def test_other_images_than_the_models_are_refused(cases: dict[str, Case], images: Any) -> None:
    with pytest.raises(InputError, match=r"uint8 \[N, 28, 28, 1\]"):
        cases["cnn"].frozen.predict(images)
