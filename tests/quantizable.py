"""Networks whose int8 files have every operator that training on the grid knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from edgedigits.datasets import Dataset


def convolutional() -> Any:
    """The common order: convolution, batch normalisation, ReLU, none of which leaves more than one operator."""
    x = image = keras.Input((28, 28, 1), name="image")
    x = layers.Rescaling(1 / 255)(x)
    x = layers.ReLU(name="a")(layers.BatchNormalization(momentum=0.5)(layers.Conv2D(8, 3, 2, use_bias=False)(x)))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = layers.ReLU(6, name="b")(layers.BatchNormalization(momentum=0.5)(x))
    x = layers.Add(name="sum")([x, layers.Conv2D(16, 1, name="c")(x)])
    x = layers.Dropout(0.3)(layers.Dense(12, activation="relu", name="hidden")(layers.Flatten()(x)))
    x = layers.BatchNormalization(momentum=0.5)(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="scores")(x))


def branching() -> Any:
    """Normalisation that nothing can take up, branches of one scale, a gate, pooling, operations on tensors."""
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(8, 3, 2, name="first")(layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(image))
    beside = layers.Conv2D(4, 1, name="beside")(x)
    x = layers.ReLU(name="preact")(layers.BatchNormalization(momentum=0.5, name="norm")(x))
    x = layers.SeparableConv2D(12, 3, padding="same", activation="swish", name="separable")(x)
    x = layers.Concatenate(name="joined")([x, beside])
    x = layers.AveragePooling2D(3, 2, padding="same", name="averaged")(x)
    gate = layers.Conv2D(16, 1, name="gate")(layers.GlobalAveragePooling2D(keepdims=True, name="mean")(x))
    x = x * (layers.ReLU(6.0)(gate + 3.0) / 6.0)
    x = layers.MaxPooling2D(2, name="greatest")(layers.ZeroPadding2D(1)(x))
    x = layers.Concatenate(name="all")([layers.Conv2D(8, 3, activation="relu6", name="h")(x), layers.Cropping2D(1)(x)])
    return keras.Model(image, layers.Dense(10, name="scores")(layers.Flatten(name="flat")(x)))


def approximate() -> Any:
    """What XNNPACK computes with factors of 8 bits, or with an approximation: scales that are set, leaky and hard."""
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(8, 3, 2, activation="leaky_relu", name="leaky")(layers.Rescaling(1 / 255)(image))
    y = layers.Conv2D(4, 3, 2, activation="tanh", name="set")(x)
    x = layers.Concatenate(name="joined")([layers.Conv2D(8, 3, 2, activation="hard_swish", name="hard")(x), y])
    return keras.Model(image, layers.Dense(10, activation="softmax", name="scores")(layers.Flatten()(x)))


def nested() -> Any:
    """A model inside a model, and a layer that is no operator of an int8 file."""
    body = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, 2, activation="relu", name="first"),
            layers.Conv2D(8, 3, 2, activation="softplus", name="second"),
        ],
        name="body",
    )
    tail = [layers.Conv2D(8, 3, activation="relu", name="first"), layers.Flatten(), layers.Dense(10)]
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), body, *tail, layers.Softmax()])


NETWORKS: dict[str, Callable[[], Any]] = {
    build.__name__: build for build in (convolutional, branching, approximate, nested)
}
# Those that end in scores.
SCORES = ("branching",)


def train_all(digits: Dataset, folder: Path) -> None:
    """Leave every network in a folder, after it has learned a few images."""
    for name, build in NETWORKS.items():
        keras.utils.set_random_seed(1)
        model = build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name in SCORES)
        model.compile(keras.optimizers.Adam(3e-3), loss)
        model.fit(digits.images.astype(np.float32), digits.labels, batch_size=20, epochs=40, verbose=0)
        model.save(folder / f"{name}.keras")
