"""Six networks that are hard to quantize, each in its own way, trained on Fashion-MNIST: all take raw pixels.

`python -m benchmarks.accuracy.quantizer_networks` trains those that ``build/quantizers`` has not; what was stopped goes
on after its last epoch. Each epoch's loss is in a CSV file beside the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.accuracy.own_networks import CLASSES, Images, Network, mobilenet_v3, read_images, with_body
from benchmarks.harness.benchmark import progress
from benchmarks.harness.child import ROOT
from edgedigits_export.lazy_imports import load

FOLDER = ROOT / "build" / "quantizers"
# Of the 60,000 training images; no network has seen the others, which calibrate and choose.
TRAINED = 50_000
WIDTH, DEPTH = 48, 4


def trained(network: Network, data: Images, folder: Path = FOLDER) -> Path:
    """Return the file of a network that was trained on ``data`` and their mirror images, now or before."""
    made = folder / f"{network.name}.keras"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        callbacks = load("keras").callbacks
        progress(f"{network.name}: {network.epochs} epochs")
        backup = callbacks.BackupAndRestore(folder / f"{network.name}-backup")
        log = callbacks.CSVLogger(folder / f"{network.name}.csv", append=True)
        model = network.train(data.with_mirrored(), [backup, log])
        half = folder / f"{network.name}-half.keras"
        model.save(half)
        half.rename(made)
    return made


def _mobilenet_v2(layers: Any) -> Any:
    scaled = [layers.Rescaling(1 / 127.5, -1)]
    return with_body(layers, scaled, load("keras").applications.MobileNetV2, 32, alpha=0.35)


def _efficientnet(layers: Any) -> Any:
    """EfficientNetB0 made smaller by the coefficients that make it larger, half as wide and half as deep.

    Keras has the function with these coefficients, but not among its public names.
    """
    make = load("keras.src.applications.efficientnet").EfficientNet
    return with_body(layers, [], make, 32, width_coefficient=0.5, depth_coefficient=0.5, default_size=32)


def _vit(layers: Any) -> Any:
    """A. Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, on patches of 7×7 pixels."""

    def mixed(x: Any) -> Any:
        y = layers.LayerNormalization()(x)
        return layers.Add()([x, layers.MultiHeadAttention(4, WIDTH // 4)(y, y)])

    return _of_patches(layers, 7, mixed, positions=True)


def _mixer(layers: Any) -> Any:
    """I. Tolstikhin et al., "MLP-Mixer: An all-MLP Architecture for Vision", NeurIPS 2021, on patches of 4×4 pixels."""

    def mixed(x: Any) -> Any:
        y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
        y = layers.Dense(y.shape[-1])(layers.Dense(WIDTH, activation="gelu")(y))
        return layers.Add()([x, layers.Permute((2, 1))(y)])

    return _of_patches(layers, 4, mixed, positions=False)


def _of_patches(layers: Any, side: int, mixed: Callable[[Any], Any], *, positions: bool) -> Any:
    """Return a network of blocks that mix tokens, by ``mixed``, and then channels."""
    image, tokens = layers.Input((28, 28, 1)), (28 // side) ** 2
    x = layers.Conv2D(WIDTH, side, strides=side)(layers.Rescaling(1 / 127.5, -1)(image))
    x = layers.Reshape((tokens, WIDTH))(x)
    if positions:  # a bias that each token has for itself
        x = layers.EinsumDense("bnc,cd->bnd", (tokens, WIDTH), bias_axes="nd")(x)
    for _ in range(DEPTH):
        x = mixed(x)
        y = layers.Dense(2 * WIDTH, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(WIDTH)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return load("keras").Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def _lstm(layers: Any) -> Any:
    """S. Hochreiter and J. Schmidhuber, "Long short-term memory", 1997, over the rows of an image from the top."""
    image = layers.Input((28, 28, 1))
    x = layers.Reshape((28, 28))(layers.Rescaling(1 / 255)(image))
    # Unrolled, because converters lose their way in the loop.
    x = layers.LSTM(64, unroll=True)(x)
    return load("keras").Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def _perceptron(layers: Any) -> Any:
    hidden = [layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(CLASSES, activation="softmax")]
    return load("keras").Sequential([layers.Input((28, 28, 1)), layers.Rescaling(1 / 255), *hidden])


NETWORKS = (
    Network("MobileNetV2", _mobilenet_v2, 6, "1"),
    Network("MobileNetV3Small", mobilenet_v3, 2, "1"),
    Network("EfficientNetB0", _efficientnet, 4, "1"),
    Network("ViT", _vit, 6, "1", 1e-3),
    Network("MLP-Mixer", _mixer, 6, "1", 1e-3),
    Network("LSTM", _lstm, 8, "1"),
)
# Shows that everything works.
SMALLEST = Network("perceptron", _perceptron, 10, "1")

if __name__ == "__main__":
    images = read_images("train").first(TRAINED)
    for one in NETWORKS:
        trained(one, images)
