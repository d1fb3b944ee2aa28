"""Choose golden inputs: images that a computation slightly wrong is likely to answer differently."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.datasets import Dataset

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# How many random pairs are blended to find those near a boundary; more find closer ones, slowly. All are pairs of the
# same few images, whichever the model: whoever keeps several bundles keeps no more of the data.
_PAIRS, _SOURCES = 1000, 64
_BLENDS = 32
_MIX = 0.5
_ENLARGED = 3


def choose_golden(data: Dataset, predict: Predict, seed: int) -> NDArray[np.uint8]:
    """Golden images, uint8 ``[K, H, W, C]``: blends near a boundary and ordinary ones in turn, then patterns.

    One ordinary image a class (of at most 32), 32 blends of two images with the smallest top-two margin, which notice
    what ordinary images do not (benchmarks/accuracy/bit_flips.py), all 0, all 255, a checkerboard.
    """
    rng = np.random.default_rng(seed)
    ordinary = _ordinary(data, rng)
    blends = _closest_blends(data, predict, rng)
    few = min(len(ordinary), len(blends))
    paired = np.stack([blends[:few], ordinary[:few]], axis=1).reshape(-1, *data.images.shape[1:])
    return np.concatenate([paired, blends[few:], _patterns(data.images.shape[1:])])


def _ordinary(data: Dataset, rng: np.random.Generator) -> NDArray[np.uint8]:
    labels = np.unique(data.labels)
    chosen = labels[np.linspace(0, len(labels) - 1, min(len(labels), _BLENDS)).astype(int)]
    return data.images[[rng.choice(np.flatnonzero(data.labels == label)) for label in chosen]]


def _closest_blends(data: Dataset, predict: Predict, rng: np.random.Generator) -> NDArray[np.uint8]:
    sources = rng.permutation(len(data))[:_SOURCES]
    pairs = np.stack(np.triu_indices(len(sources)), axis=1)
    first, second = sources[rng.permutation(pairs)[:_PAIRS].T]
    mixed = _MIX * data.images[first].astype(np.float32) + (1 - _MIX) * data.images[second]
    images = np.rint(mixed).astype(np.uint8)
    top = np.sort(predict(images), axis=1)
    closest: NDArray[np.uint8] = images[np.argsort(top[:, -1] - top[:, -2], kind="stable")[:_BLENDS]]
    return closest


def _patterns(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    height, width, _ = shape
    board = (np.add.outer(np.arange(height), np.arange(width)) % 2 * 255).astype(np.uint8)
    board = np.broadcast_to(board[..., np.newaxis], shape)
    return np.stack([np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), board])


def encode_pictures(images: NDArray[np.uint8], *, digits: bool) -> list[bytes]:
    """Pictures (PNG, JPEG) of the first two ordinary images among ``images``, enlarged.

    Decoded and preprocessed they give further golden images; should a device get other pixels from them, its
    decoder or preprocessing drifted, not its engine. Digits become dark ink on white, as people write them.
    """
    pictures = []
    for pixels, kind in ((images[1], "PNG"), (images[3], "JPEG")):
        field = np.pad(255 - pixels, ((8, 8), (8, 8), (0, 0)), constant_values=255) if digits else pixels
        image = Image.fromarray(field[..., 0] if field.shape[-1] == 1 else field)
        buffer = io.BytesIO()
        image.resize((image.width * _ENLARGED, image.height * _ENLARGED), Image.Resampling.BICUBIC).save(buffer, kind)
        pictures.append(buffer.getvalue())
    return pictures
