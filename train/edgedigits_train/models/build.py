"""The architectures by name, for any image size and number of classes.

All take raw pixels, float32 0-255 ``[N, H, W, C]``, with the scaling inside, and answer probabilities ``[N, classes]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from edgedigits_train.models.architectures import FAMILY, TEXTBOOK, Stage, build_stages, parse_stages

Shape = tuple[int, int, int]


def build_model(name: str, shape: Shape, classes: int) -> keras.Model:
    """Build an architecture with fresh weights, named ``name``; ``shape`` is height, width, channels.

    Raises
    ------
    UsageError: the architecture cannot work on images this small.

    """
    if name in TEXTBOOK:
        return _around(TEXTBOOK[name], name, shape, classes)
    return build_from(parse_stages(FAMILY[name]), name, shape, classes)


def build_from(stages: tuple[Stage, ...], name: str, shape: Shape, classes: int) -> keras.Model:
    """Build a network of stages, whether or not it has a name in the family."""
    return _around(lambda x: build_stages(x, stages), name, shape, classes)


def without_background(model: keras.Model, classes: int) -> keras.Model:
    """The same network, of which callers see the first ``classes``; what those leave of 1 is the background's."""
    if model.output_shape[-1] == classes:
        return model
    return keras.Model(model.inputs, model.outputs[0][:, :classes], name=model.name)


def count_macs(model: keras.Model) -> int:
    """Multiplications with addition that one image costs: those of convolution and dense layers."""
    return sum(_layer_macs(layer) for layer in model.layers)


def _around(body: Callable[[Any], Any], name: str, shape: Shape, classes: int) -> keras.Model:
    image = keras.Input(shape, name="image")
    scaled = layers.Rescaling(1 / 255, name="scaling")(image)
    answers = layers.Dense(classes, activation="softmax", name="probabilities")(body(scaled))
    return keras.Model(image, answers, name=name)


def _layer_macs(layer: Any) -> int:
    match layer:
        case layers.SeparableConv2D():
            pixels = math.prod(layer.output.shape[1:3])
            return int(
                pixels * sum(math.prod(kernel.shape) for kernel in (layer.depthwise_kernel, layer.pointwise_kernel))
            )
        # The kernel of a depthwise convolution is [height, width, channels, multiplier]: one product a pixel, too.
        case layers.Conv2D() | layers.DepthwiseConv2D():
            return int(math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape))
        case layers.Dense():
            return int(math.prod(layer.kernel.shape))
        case _:
            return 0
