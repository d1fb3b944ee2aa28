"""Choose golden inputs: images for which a computation that is slightly wrong is likely to give another class."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.datasets import Dataset
from edgedigits.images.decode import read_pixels
from edgedigits.images.pipeline import channels_of, model_input
from edgedigits.manifest import PipelineId

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# How many random pairs are blended to find those near a boundary; more find closer ones, slowly. All are pairs of the
# same few images, whichever the model: several bundles hold no more of the data than one.
_PAIRS, _SOURCES = 1000, 64
_PAIRED_VALUES = 2**24  # of large images fewer pairs: a network for photographs needs minutes for a thousand
# The label of fields without handwriting, and how many of them are golden.
PRINTED, _FIELDS = "printed", 1
_BLENDS, _BLENDED = 32, 256
_MIX = 0.5
_ENLARGED = 3


@dataclass(frozen=True, slots=True)
class GoldenInputs:
    """The golden inputs of a bundle.

    Attributes
    ----------
    images: model inputs, uint8 ``[K, H, W, C]``.
    pictures: encoded pictures (PNG, JPEG) by the index of the image that each must be decoded and preprocessed to.

    """

    images: NDArray[np.uint8]
    pictures: dict[int, bytes]


def choose_golden_inputs(
    data: Dataset, predict: Predict, shape: tuple[int, int, int], pipeline: PipelineId, seed: int
) -> GoldenInputs:
    """Choose golden images of ``shape`` ``(H, W, C)``, and append those that two encoded pictures come to.

    Should a device get other pixels from these pictures, its decoder or preprocessing drifted, not its engine.
    """
    if pipeline == "contrast/1":
        images = list(choose_golden_fields(data, seed))
        encodings = [_encode_field(images[0])]
    else:
        images = list(choose_golden_images(data, predict, seed))
        encodings = _encode_pictures(images[1], images[3], digits=pipeline == "digit/2")
    pictures = {}
    for encoded in encodings:
        pictures[len(images)] = encoded
        images.append(model_input(read_pixels(encoded, channels_of(pipeline, shape)), pipeline, shape).reshape(shape))
    return GoldenInputs(np.stack(images), pictures)


def choose_golden_fields(data: Dataset, seed: int) -> NDArray[np.uint8]:
    """Choose golden fields of a locator, uint8 ``[K, H, W, 1]``: printed ones alone, then patterns.

    A field shows many characters in many sizes, so that a few fields notice what is computed wrongly; those of
    handwriting would hold digits of the training data. Maps of a field take 60 kB in the package, so that one of all
    0, which tells no more than one of all 255, is left out.
    """
    printed = np.flatnonzero(data.labels == data.names.index(PRINTED))
    chosen = np.random.default_rng(seed).permutation(printed)[:_FIELDS]
    return np.concatenate([data.images[np.sort(chosen)], _patterns(data.images.shape[1:])[1:]])


def choose_golden_images(data: Dataset, predict: Predict, seed: int) -> NDArray[np.uint8]:
    """Choose golden images, uint8 ``[K, H, W, C]``: blends near a boundary and ordinary ones in turn, then patterns.

    They are one ordinary image of each class (of at most 32), 32 blends of two images with the smallest top-two margin,
    which notice what ordinary images do not (benchmarks/accuracy/bit_flips.py), all 0, all 255, and a checkerboard.
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
    count = min(_PAIRS, max(_BLENDS, _PAIRED_VALUES // data.images[0].size))
    pairs = sources[rng.permutation(pairs)[:count]]
    # Part by part: a thousand photographs in float32 take as much memory as many a whole network.
    parts = [pairs[start : start + _BLENDED] for start in range(0, len(pairs), _BLENDED)]
    top = np.concatenate([np.sort(predict(_blend(data, part)), axis=1)[:, -2:] for part in parts])
    return _blend(data, pairs[np.argsort(top[:, 1] - top[:, 0], kind="stable")[:_BLENDS]])


def _blend(data: Dataset, pairs: NDArray[np.int64]) -> NDArray[np.uint8]:
    first, second = (data.images[rows].astype(np.float32) for rows in pairs.T)
    blends: NDArray[np.uint8] = np.rint(_MIX * first + (1 - _MIX) * second).astype(np.uint8)
    return blends


def _patterns(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    height, width, _ = shape
    board = (np.add.outer(np.arange(height), np.arange(width)) % 2 * 255).astype(np.uint8)
    board = np.broadcast_to(board[..., np.newaxis], shape)
    return np.stack([np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), board])


def _encode_field(field: NDArray[np.uint8]) -> bytes:
    """Encode a field as if it were a picture, whose local contrast is another field."""
    buffer = io.BytesIO()
    Image.fromarray(field[..., 0]).save(buffer, "PNG")
    return buffer.getvalue()


def _encode_pictures(png: NDArray[np.uint8], jpeg: NDArray[np.uint8], *, digits: bool) -> list[bytes]:
    """Encode two images, enlarged, as PNG and as JPEG; digits become dark ink on white, as people write them."""
    pictures = []
    for pixels, kind in ((png, "PNG"), (jpeg, "JPEG")):
        field = np.pad(255 - pixels, ((8, 8), (8, 8), (0, 0)), constant_values=255) if digits else pixels
        image = Image.fromarray(field[..., 0] if field.shape[-1] == 1 else field)
        buffer = io.BytesIO()
        image.resize((image.width * _ENLARGED, image.height * _ENLARGED), Image.Resampling.BICUBIC).save(buffer, kind)
        pictures.append(buffer.getvalue())
    return pictures
