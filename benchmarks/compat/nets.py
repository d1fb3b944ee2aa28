"""Small Keras nets with the operators that image classifiers use, lightly trained on real digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edgedigits_train.models.architectures import parse_stages
from edgedigits_train.models.build import build_from, build_model

CLASSES = 10
TRAINING_DIGITS = 6000


def _separable(x: Any) -> Any:
    """Depthwise-separable convolutions, relu6, a skip, both global poolings."""
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu6")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    x = layers.add([x, layers.Conv2D(16, 1)(y)])
    x = layers.SeparableConv2D(32, 3, strides=2, activation="relu6")(x)
    return layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])


def _excited(x: Any) -> Any:
    """Hard-swish and squeeze-and-excite with its hard sigmoid, as in MobileNetV3."""
    x = layers.Conv2D(16, 3, strides=2, activation="hard_swish")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(16, 1, activation="hard_sigmoid")(layers.Conv2D(4, 1, activation="relu")(gate))
    x = layers.multiply([x, gate])
    x = layers.Conv2D(24, 3, strides=2, activation="hard_swish")(x)
    return layers.Flatten()(x)


def _transposed(x: Any) -> Any:
    """A transposed convolution, average pooling, padding that a converter cannot fold."""
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(2)(layers.ZeroPadding2D(1)(x))
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(x)
    return layers.Flatten()(x)


def _resized(x: Any) -> Any:
    """Both kinds of resizing, cropping, a dilated convolution."""
    x = layers.Resizing(20, 20, interpolation="bilinear")(x)
    x = layers.Conv2D(8, 3, dilation_rate=2, activation="relu")(x)
    y = layers.UpSampling2D(2, interpolation="nearest")(layers.MaxPooling2D(2)(x))
    x = layers.Cropping2D(1)(layers.Concatenate()([x, y]))
    x = layers.Conv2D(12, 3, strides=2, activation="relu")(x)
    return layers.Flatten()(x)


def _gates(x: Any) -> Any:
    """Sigmoid, tanh, ELU, leaky and parametric ReLU."""
    x = layers.Conv2D(12, 5, strides=2, activation="tanh")(x)
    x = layers.multiply([layers.Conv2D(12, 3, activation="sigmoid")(x), layers.Conv2D(12, 3, activation="elu")(x)])
    x = layers.LeakyReLU()(layers.Conv2D(16, 3, strides=2)(x))
    return layers.PReLU()(layers.Dense(32)(layers.Flatten()(x)))


def _normed(x: Any) -> Any:
    """Layer normalisation, GELU, SiLU, a batch normalisation that nothing can swallow."""
    x = layers.Conv2D(12, 5, strides=2, activation="gelu")(x)
    x = layers.BatchNormalization(momentum=0.9)(layers.LayerNormalization()(x))
    x = layers.Conv2D(16, 3, strides=2, activation="silu")(x)
    return layers.LayerNormalization()(layers.Flatten()(x))


def _attentive(x: Any) -> Any:
    """Patches and one attention block: batched products, transposes, an inner softmax."""
    x = layers.Conv2D(24, 7, strides=7)(x)
    x = layers.Reshape((16, 24))(x)
    x = layers.add([x, layers.MultiHeadAttention(2, 12)(x, x)])
    x = layers.add([x, layers.Dense(24, activation="relu")(x)])
    return layers.Flatten()(x)


def _colour(x: Any) -> Any:
    """Three channels, a depthwise convolution with a multiplier, mean and maximum of maps."""
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(x)
    x = layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, activation="relu")(x)
    x = layers.average([x, layers.maximum([x, layers.Conv2D(24, 1)(x)])])
    x = layers.AveragePooling2D(3)(x)
    return layers.Dense(32, activation="relu")(layers.Flatten()(x))


ARCHITECTURES: Mapping[str, Callable[[Any], Any]] = {
    net.__name__.removeprefix("_"): net
    for net in (_separable, _excited, _transposed, _resized, _gates, _normed, _attentive, _colour)
}
# Strided convolutions with batch normalisation: stages as the trainer writes them.
STAGES = {"cnn": "24k5s2 32s2 48 52s2"}
NETS = ("mlp", "lenet5", *STAGES, *ARCHITECTURES)


def shape_of(name: str) -> tuple[int, int, int]:
    """Return height, width and channels of a net's images."""
    return (32, 32, 3) if name == "colour" else (28, 28, 1)


def images_of(name: str, digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return MNIST's ``[N, 28, 28, 1]`` in a net's form: as it is, or larger with ink and paper of random colours."""
    if name != "colour":
        return digits
    rng = np.random.default_rng(3)
    ink, paper = rng.integers(150, 256, (len(digits), 1, 1, 3)), rng.integers(0, 80, (len(digits), 1, 1, 3))
    share = np.pad(digits, ((0, 0), (2, 2), (2, 2), (0, 0))) / 255
    return (share * ink + (1 - share) * paper).astype(np.uint8)


def build(name: str) -> keras.Model:
    """Build an untrained net: raw pixels float32 ``[N, H, W, C]`` → probabilities ``[N, 10]``."""
    if name in STAGES:
        return build_from(parse_stages(STAGES[name]), name, shape_of(name), CLASSES)
    if name not in ARCHITECTURES:
        return build_model(name, shape_of(name), CLASSES)
    image = keras.Input(shape_of(name), name="image")
    features = ARCHITECTURES[name](layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(features), name=name)


def train(name: str, digits: NDArray[np.uint8], labels: NDArray[np.int64]) -> keras.Model:
    """Train a net for seconds, until it classifies most digits rightly; gives the same weights each time."""
    keras.utils.set_random_seed(7)
    model = build(name)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    images = images_of(name, digits[:TRAINING_DIGITS]).astype(np.float32)
    model.fit(images, labels[:TRAINING_DIGITS], batch_size=50, epochs=4, verbose=0)
    return model
