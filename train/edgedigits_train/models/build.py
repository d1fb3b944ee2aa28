"""Building a model of an architecture, for any image size and number of classes.

All models take raw pixels, float32 0-255 ``[N, H, W, C]``, scale them inside and return probabilities ``[N, classes]``.
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
        return _classifier(TEXTBOOK[name], name, shape, classes)
    return build_from(parse_stages(FAMILY[name]), name, shape, classes)


def build_from(stages: tuple[Stage, ...], name: str, shape: Shape, classes: int) -> keras.Model:
    """Build a model of convolution stages, which need not be those of a named architecture."""
    return _classifier(lambda x: build_stages(x, stages), name, shape, classes)


def count_macs(model: keras.Model) -> int:
    """Return the count of multiply-accumulate operations of one inference, in convolution and dense layers."""
    return sum(_layer_macs(layer) for layer in model.layers)


def _classifier(architecture: Callable[[Any], Any], name: str, shape: Shape, classes: int) -> keras.Model:
    image = keras.Input(shape, name="image")
    scaled = layers.Rescaling(1 / 255, name="scaling")(image)
    # The order in which layers are created decides their initial weights, so this one stays before the architecture's.
    classify = layers.Dense(classes, activation="softmax", name="probabilities")
    return keras.Model(image, classify(architecture(scaled)), name=name)


def _layer_macs(layer: Any) -> int:
    match layer:
        case layers.SeparableConv2D():
            pixels = math.prod(layer.output.shape[1:3])
            return int(
                pixels * sum(math.prod(kernel.shape) for kernel in (layer.depthwise_kernel, layer.pointwise_kernel))
            )
        # A depthwise kernel [height, width, channels, multiplier] also costs one product per weight and pixel.
        case layers.Conv2D() | layers.DepthwiseConv2D():
            return int(math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape))
        case layers.Dense():
            return int(math.prod(layer.kernel.shape))
        case _:
            return 0
