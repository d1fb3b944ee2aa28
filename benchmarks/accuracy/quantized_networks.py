"""Two small networks whose int8 files lose much, for two reasons that are common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.accuracy.own_networks import BATCH, CLASSES, Images
from edgedigits_export.lazy_imports import load, quiet

EPOCHS = 3


@dataclass(frozen=True, slots=True)
class Network:
    """A network that is hard on plain int8."""

    name: str
    build: Callable[[Any], Any]

    def train(self, data: Images) -> Any:
        """Return a Keras model trained on ``data``, with Adam and a rate that falls to nothing."""
        keras = load("keras")
        keras.utils.set_random_seed(0)
        with quiet():
            model = self.build(keras.layers)
            rate = keras.optimizers.schedules.CosineDecay(4e-3, EPOCHS * -(-len(data.labels) // BATCH))
            model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", jit_compile=False)
            model.fit(data.images, data.labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        return model


def _dense(layers: Any) -> Any:
    """Return a small DenseNet: G. Huang et al., "Densely connected convolutional networks", CVPR 2017.

    All that is concatenated has one scale in an int8 file, and each block adds to it.
    """
    image = layers.Input((28, 28, 1))
    x = layers.Conv2D(16, 3, strides=2, padding="same")(layers.Rescaling(1 / 255)(image))
    for _ in range(6):
        y = layers.Conv2D(12, 1, use_bias=False)(_normalised(layers, x))
        y = layers.DepthwiseConv2D(3, padding="same")(_normalised(layers, y))
        x = layers.Concatenate()([x, y])
    return _classifier(layers, image, _normalised(layers, x))


def _normalised(layers: Any, x: Any) -> Any:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _separable(layers: Any) -> Any:
    """Return a small MobileNet that normalises after the activation, an order that many notebooks have.

    Its normalisations cannot be folded into the convolutions before them, and multiply whatever was rounded.
    """
    image = layers.Input((28, 28, 1))
    x = _swish(layers, layers.Conv2D(16, 3, strides=2, padding="same")(layers.Rescaling(1 / 255)(image)))
    for filters, stride in ((24, 1), (32, 2), (32, 1), (48, 1)):
        x = _swish(layers, layers.DepthwiseConv2D(3, strides=stride, padding="same")(x))
        x = _swish(layers, layers.Conv2D(filters, 1)(x))
    return _classifier(layers, image, x)


def _swish(layers: Any, x: Any) -> Any:
    return layers.BatchNormalization(momentum=0.9)(layers.Activation("swish")(x))


def _classifier(layers: Any, image: Any, x: Any) -> Any:
    scores = layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return load("keras").Model(image, scores)


NETWORKS = (Network("DenseNet", _dense), Network("separable, swish", _separable))
