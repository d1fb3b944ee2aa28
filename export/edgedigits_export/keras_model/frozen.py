"""Freeze a Keras classifier into one graph with the contract: raw uint8 pixels in, float32 probabilities out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import InputError, UsageError
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.inspect import ModelInfo, inspect_model
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.keras_model.single_precision import in_float32
from edgedigits_export.keras_model.two_classes import as_two_classes
from edgedigits_export.lazy_imports import load, quiet

INPUT_NAME = "image"
OUTPUT_NAME = "probabilities"

# The size of fields with which a locator is converted, calibrated and compared.
LOCATOR_SHAPE = (128, 128, 1)
_BATCH = 256


@dataclass(frozen=True, slots=True)
class FrozenModel:
    """A Keras classifier that was inspected and can be exported.

    Attributes
    ----------
    model: the Keras model.
    scaling: the scaling of raw pixels before it.
    input_shape: ``(H, W, C)`` of the images.
    classes: the length of its vector of class scores.
    adds_softmax: whether its scores are logits, so that the exported graph ends in a softmax of its own.
    any_size: whether the model takes images of any size, so that ``input_shape`` is one of many.

    """

    model: Any
    scaling: Scaling
    input_shape: tuple[int, int, int]
    classes: int
    adds_softmax: bool
    any_size: bool = False

    @property
    def parameters(self) -> int:
        """The count of its weights."""
        return int(self.model.count_params())

    @property
    def takes_bytes(self) -> bool:
        """Whether the model itself takes raw pixels in uint8, so that there is nothing to scale."""
        return bool(self.model.inputs[0].dtype == "uint8")

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return Keras' own probabilities, float32 ``[N, classes]``, for raw images uint8 ``[N, H, W, C]``.

        Raises
        ------
        InputError: the images have another type or shape.

        """
        if images.dtype != np.uint8 or images.shape[1:] != self.input_shape:
            raise InputError(
                f"expected images uint8 [N, {', '.join(map(str, self.input_shape))}], "
                f"found {images.dtype} {list(images.shape)}"
            )
        scores = self._all_scores(images)
        return softmax(scores) if self.adds_softmax else scores

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return the input of the softmax at the end, float32 ``[N, classes]``, for raw images uint8 ``[N, H, W, C]``.

        Return None where the model makes its probabilities in another way.
        """
        if self.adds_softmax:
            return self._all_scores(images)
        function, ends_in_softmax = self.scores_function(None)
        if not ends_in_softmax:
            return None
        constant = load("tensorflow").constant
        parts = [np.asarray(function(constant(part.astype(np.float32)))[0]) for part in _batches(images)]
        return np.concatenate(parts, dtype=np.float32)

    def scores_function(self, batch: int | None = 1) -> tuple[Any, bool]:
        """Return the model from ``pixels`` float32 ``[batch, H, W, C]`` to scores, its variables made constants.

        The second value says whether a softmax has to follow. A softmax at the model's own end is cut off, so that it
        is never quantized with the rest; probabilities made in another way stay as they are.
        """
        tf = load("tensorflow")
        with quiet():
            spec = tf.TensorSpec((batch, *self.input_shape), tf.float32, name="pixels")
            function = _constants(tf.function(lambda pixels: [self._call(pixels)]).get_concrete_function(spec))
        softmax_input = _softmax_input(function.outputs[0])
        if self.adds_softmax or softmax_input is None:
            return function, self.adds_softmax
        return function.prune([function.inputs[0].name], [softmax_input.name]), True

    def concrete_function(self, batch: int | None) -> Any:
        """Return a frozen TensorFlow function from ``image`` uint8 ``[batch, H, W, C]`` to ``probabilities``.

        A ``batch`` of None leaves the first axis free.
        """
        tf = load("tensorflow")

        def contract(image: Any) -> Any:
            values = self._call(tf.cast(image, tf.float32))
            return tf.identity(tf.nn.softmax(values) if self.adds_softmax else values, name=OUTPUT_NAME)

        with quiet():
            spec = tf.TensorSpec((batch, *self.input_shape), tf.uint8, name=INPUT_NAME)
            frozen = _constants(tf.function(contract).get_concrete_function(spec))
            return frozen.prune(f"{INPUT_NAME}:0", f"{OUTPUT_NAME}:0")

    def _all_scores(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [self._scores(part) for part in _batches(images)]
        return np.concatenate(parts) if parts else np.zeros((0, self.classes), np.float32)

    def _scores(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the Keras model's own outputs, float32 ``[N, classes]``."""
        try:
            with quiet():
                return np.asarray(self._call(load("tensorflow").constant(images.astype(np.float32))), np.float32)
        # Layers raise what they like: an Embedding that is given pixels, TensorFlow's InvalidArgumentError.
        except Exception as error:
            raise UsageError(f"the model does not take these images: {decisive_sentence(error)}") from error

    def _call(self, pixels: Any) -> Any:
        """Run scaling and model on float32 ``[N, H, W, C]``, with TensorFlow tensors in and out."""
        tf = load("tensorflow")
        gain, offset = self.scaling.affine(self.input_shape[-1])
        if self.scaling.bgr:
            pixels = tf.gather(pixels, [2, 1, 0], axis=-1)
        if np.any(gain != 1):
            pixels = pixels * tf.constant(gain)
        if np.any(offset != 0):
            pixels = pixels + tf.constant(offset)
        expected = tuple(self.model.inputs[0].shape)[1:]
        if len(expected) != 3:
            pixels = tf.reshape(pixels, (-1, *expected))
        if self.takes_bytes:
            pixels = tf.cast(pixels, tf.uint8)
        return tf.cast(self.model(pixels, training=False), tf.float32)


def _batches(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax over the last axis, computed in float64 so that it can serve as the reference."""
    shifted = scores.astype(np.float64) - scores.max(axis=-1, keepdims=True, initial=-np.inf)
    powers = np.exp(shifted)
    return cast("NDArray[np.float32]", (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32))


def freeze(model: Any, scaling: Scaling | None = None, input_size: tuple[int, int] | None = None) -> FrozenModel:
    """Inspect a Keras model and, if it is a classifier of single images, make it ready for export.

    ``input_size`` is the height and the width of images where the model leaves them free.

    Raises
    ------
    UsageError: it is no such model (see `inspect_model`), or the scaling does not fit its channels or its type.

    """
    found = inspect_model(model, input_size)
    model = in_float32(model)
    if found.classes == 1:
        model, found = as_two_classes(model), ModelInfo(found.input_shape, 2, ends_in_softmax=True)
    scaling = scaling or Scaling()
    scaling.affine(found.input_shape[-1])
    frozen = FrozenModel(model, scaling, found.input_shape, found.classes, adds_softmax=False)
    if frozen.takes_bytes and scaling != Scaling():
        raise UsageError("expected no scaling of a model that takes raw pixels in uint8, found one; leave it out")
    if found.ends_in_softmax or _sums_to_one(frozen):
        return frozen
    return replace(frozen, adds_softmax=True)


def freeze_locator(model: Any) -> FrozenModel:
    """Make a locator ready for export; its files take fields of any size, here they are converted with one."""
    return FrozenModel(model, Scaling(), LOCATOR_SHAPE, model.output_shape[-1], adds_softmax=False, any_size=True)


def _sums_to_one(frozen: FrozenModel) -> bool:
    """Return whether the model's outputs are probabilities, for flat, noisy and shaded images."""
    rng = np.random.default_rng(0)
    shape = frozen.input_shape
    ramp = np.linspace(0, 255, math.prod(shape)).astype(np.uint8).reshape(shape)
    images = [np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), ramp, 255 - ramp]
    images += list(rng.integers(0, 256, (4, *shape), dtype=np.uint8))
    scores = frozen.predict(np.stack(images))
    return bool((scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3))


def _constants(function: Any) -> Any:
    """Turn a concrete function's variables into constants, because the converters lose those of Keras 3 models."""
    tools = load("tensorflow.python.framework.convert_to_constants")
    frozen = tools.convert_variables_to_constants_v2(function)
    if len(frozen.inputs) != 1:  # a table is no constant, and comes in beside the image
        raise UsageError(
            "expected a model that is made of its weights alone, found one with a table of TensorFlow or the like in "
            "it, which no file here can hold; save it without that"
        )
    return frozen


def _softmax_input(tensor: Any) -> Any | None:
    """Return the input of the softmax that ends a graph, or None where the graph ends otherwise."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor.op.inputs[0] if tensor.op.type == "Softmax" else None
