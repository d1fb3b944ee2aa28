"""Freeze a Keras classifier into one graph with the contract: raw uint8 pixels in, float32 probabilities out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import InputError, UsageError
from edgedigits.parts import Progress, in_parts, silent
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.inspect import ModelInfo, inspect_model
from edgedigits_export.keras_model.plain_graph import in_plain_operators, softmax_input
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.keras_model.single_precision import in_float32
from edgedigits_export.keras_model.two_classes import as_two_classes
from edgedigits_export.keras_model.unrolled import unrolled
from edgedigits_export.lazy_imports import load, quiet

INPUT_NAME = "image"
OUTPUT_NAME = "probabilities"

# The size of fields with which a locator is converted, calibrated and compared.
LOCATOR_SHAPE = (128, 128, 1)
# So many images at once, and of large ones fewer: Keras keeps the outputs of all layers until the last has computed.
_BATCH, _BATCH_VALUES = 256, 2**18


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
    progress: what is told how many images Keras is done with, where it takes long.

    """

    model: Any
    scaling: Scaling
    input_shape: tuple[int, int, int]
    classes: int
    adds_softmax: bool
    any_size: bool = False
    progress: Progress = field(default=silent, compare=False)

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
        parts = [np.asarray(function(constant(part.astype(np.float32)))[0]) for part in self._batches(images)]
        return np.concatenate(parts, dtype=np.float32)

    def scores_function(self, batch: int | None = 1) -> tuple[Any, bool]:
        """Return the model from ``pixels`` float32 ``[batch, H, W, C]`` to scores, its variables made constants.

        The second value says whether a softmax has to follow. A softmax at the model's own end is cut off, so that it
        is never quantized with the rest; probabilities made in another way stay as they are.
        """
        tf = load("tensorflow")
        with quiet(), unrolled(self.model):
            spec = tf.TensorSpec((batch, *self.input_shape), tf.float32, name="pixels")
            function = in_plain_operators(tf.function(lambda pixels: [self._call(pixels)]).get_concrete_function(spec))
        last = softmax_input(function.outputs[0])
        if self.adds_softmax or last is None:
            return function, self.adds_softmax
        return function.prune([function.inputs[0].name], [last.name]), True

    def concrete_function(self, batch: int | None) -> Any:
        """Return a frozen TensorFlow function from ``image`` uint8 ``[batch, H, W, C]`` to ``probabilities``.

        A ``batch`` of None leaves the first axis free.
        """
        tf = load("tensorflow")

        def contract(image: Any) -> Any:
            values = self._call(tf.cast(image, tf.float32))
            return tf.identity(tf.nn.softmax(values) if self.adds_softmax else values, name=OUTPUT_NAME)

        with quiet(), unrolled(self.model):
            spec = tf.TensorSpec((batch, *self.input_shape), tf.uint8, name=INPUT_NAME)
            frozen = in_plain_operators(tf.function(contract).get_concrete_function(spec))
            return frozen.prune(f"{INPUT_NAME}:0", f"{OUTPUT_NAME}:0")

    def contract_graph(self) -> Any:
        """Return the GraphDef from ``image`` uint8 ``[N, H, W, C]`` to ``probabilities``, for any number of images."""
        return self.concrete_function(None).graph.as_graph_def()

    def _all_scores(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [self._scores(part) for part in self._batches(images)]
        return np.concatenate(parts) if parts else np.zeros((0, self.classes), np.float32)

    def _batches(self, images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        size = min(_BATCH, max(1, _BATCH_VALUES // math.prod(self.input_shape)))
        return in_parts(images, size, lambda done: self.progress(f"Keras: {done}"))

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


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax over the last axis, computed in float64 so that it can serve as the reference."""
    shifted = scores.astype(np.float64) - scores.max(axis=-1, keepdims=True, initial=-np.inf)
    powers = np.exp(shifted)
    return cast("NDArray[np.float32]", (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32))


def freeze(
    model: Any,
    scaling: Scaling | None = None,
    input_size: tuple[int, int] | None = None,
    progress: Progress = silent,
) -> FrozenModel:
    """Inspect a Keras model and, if it is a classifier of single images, make it ready for export.

    ``input_size`` is the height and the width of images where the model leaves them free; ``progress`` is told of long
    work.

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
    frozen = FrozenModel(model, scaling, found.input_shape, found.classes, adds_softmax=False, progress=progress)
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
