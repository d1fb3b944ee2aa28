"""The architectures by name, for any image size and number of classes.

All take raw pixels, float32 0-255 ``[N, H, W, C]``, with the scaling inside, and answer probabilities ``[N, classes]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers

from edgedigits.errors import UsageError

Shape = tuple[int, int, int]
LENET_MINIMUM = 12


def build_model(name: str, shape: Shape, classes: int) -> keras.Model:
    """Build an architecture with fresh weights, named ``name``; ``shape`` is height, width, channels.

    Raises
    ------
    UsageError: the architecture cannot work on images this small.

    """
    image = keras.Input(shape, name="image")
    scaled = layers.Rescaling(1 / 255, name="scaling")(image)
    features = BODIES[name](scaled)
    answers = layers.Dense(classes, activation="softmax", name="probabilities")(features)
    return keras.Model(image, answers, name=name)


def count_macs(model: keras.Model) -> int:
    """Multiplications with addition that one image costs: those of convolution and dense layers."""
    return sum(_layer_macs(layer) for layer in model.layers)


def _mlp(x: Any) -> Any:
    """Inputs, one hidden layer, outputs: the network of every first lesson; see docs/back-propagation.md."""
    return layers.Dense(128, activation="relu", name="hidden")(layers.Flatten(name="inputs")(x))


def _lenet5(x: Any) -> Any:
    """LeNet-5 of LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    With today's ReLU and maximum pooling, and every feature map of the first stage feeding the second.
    """
    height, width = x.shape[1:3]
    if min(height, width) < LENET_MINIMUM:
        raise UsageError(
            f"lenet5: expected images of at least {LENET_MINIMUM} x {LENET_MINIMUM} pixels, "
            f"found {height} x {width}; take --model cnn"
        )
    x = layers.Conv2D(6, 5, padding="same", activation="relu", name="c1")(x)
    x = layers.MaxPooling2D(2, name="s2")(x)
    x = layers.Conv2D(16, 5, activation="relu", name="c3")(x)
    x = layers.MaxPooling2D(2, name="s4")(x)
    x = layers.Dense(120, activation="relu", name="c5")(layers.Flatten(name="flat")(x))
    return layers.Dense(84, activation="relu", name="f6")(x)


def _cnn(x: Any) -> Any:
    """Four convolutions, each with batch normalisation and ReLU, which a converter folds into one operator.

    Strides instead of pooling, and a map of 4 x 4 (for 28 x 28 pixels) flattened rather than averaged: few operators,
    ranges that suit 8-bit integers, and the last layer still sees where a stroke is.
    """
    x = _convolution(x, 24, kernel=5, stride=2, name="conv1")
    x = _convolution(x, 32, kernel=3, stride=2, name="conv2")
    x = _convolution(x, 48, kernel=3, stride=1, name="conv3")
    x = _convolution(x, 52, kernel=3, stride=2, name="conv4")
    return layers.Flatten(name="flat")(x)


BODIES: Mapping[str, Callable[[Any], Any]] = {"mlp": _mlp, "lenet5": _lenet5, "cnn": _cnn}


def _convolution(x: Any, width: int, *, kernel: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    # Keras' momentum of 0.99 looks back over hundreds of steps; a small data set has fewer in an epoch.
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _layer_macs(layer: Any) -> int:
    if isinstance(layer, layers.Conv2D):
        return int(math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape))
    return int(math.prod(layer.kernel.shape)) if isinstance(layer, layers.Dense) else 0
