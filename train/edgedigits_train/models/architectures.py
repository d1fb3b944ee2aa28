"""The architectures: the layers between the scaled pixels and the classifying layer.

`FAMILY` describes the project's own convolutional networks as text, `TEXTBOOK` holds networks from the literature.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras import layers

from edgedigits.errors import UsageError

LENET_MINIMUM = 12


@dataclass(frozen=True, slots=True)
class Stage:
    """One convolution with batch normalisation and ReLU, which a converter folds into one operator.

    Attributes
    ----------
    width: the count of output channels.
    kernel, stride: pixels.
    separable: whether it is a depthwise-separable convolution: a depthwise one and a pointwise one, each with its own
        normalisation and ReLU.
    valid: whether the feature map is not padded, so that it shrinks; a map smaller than the kernel is padded anyway.

    """

    width: int
    kernel: int = 3
    stride: int = 1
    separable: bool = False
    valid: bool = False


# Strides replace pooling, and the last feature map is flattened rather than averaged: that needs few operators, gives
# ranges that suit 8-bit integers, and tells the last layer where a stroke is. `parse_stages` defines the notation, and
# models/README.md says how these were chosen.
FAMILY: Mapping[str, str] = {
    "nano": "12s2v 16s2v 16v 14v",
    "tiny": "16s2v 16v 20s2v 20v 16v",
    "small": "24s2v 24v 32v 40v 40v 36v",
    "base": "32s2v 64v 96v 128v 128v 96v",
}
_STAGE = re.compile(r"(\d+)(?:k(\d+))?(?:s(\d+))?(d?)(v?)")


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Parse stages in the notation ``16k5s2dv 32``, separated by spaces.

    The width comes first, then ``k`` with the kernel, ``s`` with the stride, ``d`` for separable and ``v`` for valid,
    where they differ from the defaults of `Stage`.

    Raises
    ------
    UsageError: a word does not follow the notation.

    """
    stages = []
    for word in text.split():
        found = _STAGE.fullmatch(word)
        if not found:
            raise UsageError(f"expected a stage like 16k5s2dv, found {word}")
        width, kernel, stride, separable, valid = found.groups()
        stages.append(Stage(int(width), int(kernel or 3), int(stride or 1), bool(separable), bool(valid)))
    return tuple(stages)


def build_stages(x: Any, stages: tuple[Stage, ...]) -> Any:
    """Apply all stages to scaled pixels ``[N, H, W, C]`` and return the flattened features."""
    for number, stage in enumerate(stages, 1):
        x = _convolution(x, stage, f"conv{number}")
    return layers.Flatten(name="flat")(x)


def mlp(x: Any) -> Any:
    """Apply one hidden layer of 128 units; docs/tutorial/ explains this network step by step."""
    return layers.Dense(128, activation="relu", name="hidden")(layers.Flatten(name="inputs")(x))


def lenet5(x: Any) -> Any:
    """Apply LeNet-5 of Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    It differs from the original in ReLU and maximum pooling, and in that the second convolution sees all feature maps.

    Raises
    ------
    UsageError: the images are too small.

    """
    height, width = x.shape[1:3]
    if min(height, width) < LENET_MINIMUM:
        raise UsageError(
            f"lenet5: expected images of at least {LENET_MINIMUM} x {LENET_MINIMUM} pixels, "
            f"found {height} x {width}; take --model small"
        )
    x = layers.Conv2D(6, 5, padding="same", activation="relu", name="c1")(x)
    x = layers.MaxPooling2D(2, name="s2")(x)
    x = layers.Conv2D(16, 5, activation="relu", name="c3")(x)
    x = layers.MaxPooling2D(2, name="s4")(x)
    x = layers.Dense(120, activation="relu", name="c5")(layers.Flatten(name="flat")(x))
    return layers.Dense(84, activation="relu", name="f6")(x)


TEXTBOOK: Mapping[str, Callable[[Any], Any]] = {"mlp": mlp, "lenet5": lenet5}


def _convolution(x: Any, stage: Stage, name: str) -> Any:
    fits = stage.valid and min(x.shape[1:3]) >= stage.kernel
    options = {"strides": stage.stride, "padding": "valid" if fits else "same", "use_bias": False}
    if not stage.separable:
        return _normalised(layers.Conv2D(stage.width, stage.kernel, **options, name=name)(x), name)
    x = _normalised(layers.DepthwiseConv2D(stage.kernel, **options, name=f"{name}_depth")(x), f"{name}_depth")
    return _normalised(layers.Conv2D(stage.width, 1, use_bias=False, name=name)(x), name)


def _normalised(x: Any, name: str) -> Any:
    # Keras' default momentum of 0.99 averages over hundreds of steps; a small data set has fewer in an epoch.
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
