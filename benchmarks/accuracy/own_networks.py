"""Four networks that are trained here for this alone: they share a data set that nothing of this project was made for.

Debian's package ``dataset-fashion-mnist`` holds the images. Pixels are divided by 255 before a network sees them, the
habit of most tutorials, but for MobileNetV3Small, which scales inside.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits_export.lazy_imports import load, quiet

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES, BATCH = 10, 128
# What precedes the values in an idx file of images, and in one of labels.
_IMAGES, _LABELS = 16, 8


@dataclass(frozen=True, slots=True)
class Images:
    """Images uint8 ``[N, 28, 28, 1]`` and labels int64 ``[N]``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def first(self, count: int) -> Images:
        """Return the first ``count`` of them."""
        return Images(self.images[:count], self.labels[:count])

    def with_mirrored(self) -> Images:
        """Return them and their mirror images, which are as good examples."""
        images = np.concatenate([self.images, self.images[:, :, ::-1]])
        return Images(images, np.concatenate([self.labels, self.labels]))


@dataclass(frozen=True, slots=True)
class Network:
    """What is trained: its layers, for how many epochs, the factor of pixels outside of it, and Adam's first rate."""

    name: str
    build: Callable[[Any], Any]
    epochs: int
    scale: str
    rate: float = 2e-3

    def train(self, data: Images, callbacks: Sequence[Any] = ()) -> Any:
        """Return a Keras model trained on ``data``, with Adam and a rate that falls to nothing."""
        keras = load("keras")
        keras.utils.set_random_seed(0)
        with quiet():
            model = self.build(keras.layers)
            steps = self.epochs * -(-len(data.labels) // BATCH)
            rate = keras.optimizers.schedules.CosineDecay(self.rate, steps)
            model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", jit_compile=False)
            pixels, callbacks = self.pixels(data), list(callbacks)
            model.fit(pixels, data.labels, batch_size=BATCH, epochs=self.epochs, verbose=0, callbacks=callbacks)
        return model

    def pixels(self, data: Images) -> NDArray[np.float32]:
        """Return the images as the network wants them, float32 ``[N, 28, 28, 1]``."""
        return data.images.astype(np.float32) / np.float32(1 if self.scale == "1" else 255)


def read_images(part: str) -> Images:
    """Return the images of ``train`` or ``t10k``; a missing package is an OSError."""
    images, labels = (
        _values(f"{part}-{name}-ubyte.gz", head) for name, head in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return Images(images.reshape(-1, 28, 28, 1), labels.astype(np.int64))


def _values(name: str, head: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress((FOLDER / name).read_bytes()), np.uint8, offset=head)


def _cnn(layers: Any) -> Any:
    return load("keras").Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def _mlp(layers: Any) -> Any:
    hidden = [layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(CLASSES, activation="softmax")]
    return load("keras").Sequential([layers.Input((28, 28, 1)), layers.Flatten(), *hidden])


def _resnet(layers: Any) -> Any:
    """ResNet-8: K. He et al., "Deep residual learning for image recognition", CVPR 2016, with one block a stage."""
    x = image = layers.Input((28, 28, 1))
    x = layers.Activation("relu")(_convolved(layers, x, 16, 3, 1))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        inner = layers.Activation("relu")(_convolved(layers, x, filters, 3, stride))
        inner = _convolved(layers, inner, filters, 3, 1)
        beside = x if stride == 1 else _convolved(layers, x, filters, 1, stride)
        x = layers.Activation("relu")(layers.Add()([inner, beside]))
    x = layers.GlobalAveragePooling2D()(x)
    return load("keras").Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def _convolved(layers: Any, x: Any, filters: int, side: int, stride: int) -> Any:
    x = layers.Conv2D(filters, side, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def mobilenet_v3(layers: Any) -> Any:
    """Keras' own small one on images enlarged to 64×64: it halves them five times."""
    return with_body(layers, [layers.UpSampling2D(2)], load("keras").applications.MobileNetV3Small, 64)


def with_body(layers: Any, before: Sequence[Any], make: Callable[..., Any], side: int, **options: Any) -> Any:
    """Return a classifier whose body is one of Keras' own with random weights.

    Images are filled up to 32×32, and ``before`` makes ``side`` of that. Its batch normalisations average over
    thousands of steps, which is all that there are here: the network that `predict` sees would be another one than was
    trained.
    """
    body = make(input_shape=(side, side, 1), include_top=False, weights=None, pooling="avg", **options)
    for layer in body.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9
    image = layers.Input((28, 28, 1))
    x = layers.ZeroPadding2D(2)(image)
    for layer in before:
        x = layer(x)
    return load("keras").Model(image, layers.Dense(CLASSES, activation="softmax")(layers.Dropout(0.2)(body(x))))


NETWORKS = (
    Network("CNN", _cnn, 8, "1/255"),
    Network("MLP", _mlp, 10, "1/255"),
    Network("ResNet-8", _resnet, 6, "1/255"),
    Network("MobileNetV3Small", mobilenet_v3, 4, "1"),
)
