"""Finding digits: a picture in several sizes goes through the locator's network, and its maps become boxes.

The sizes stand side by side on one canvas, so that one inference sees them all. The maps are those of X. Zhou, D. Wang,
P. Kraehenbuehl, "Objects as Points", 2019 (CenterNet): a peak at each digit's middle, and beside it the box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.contrast import NONE, local_contrast
from edgedigits.images.tiles import in_tiles

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
# From local contrast, uint8 [1, H, W, 1], to the network's outputs, float32 [1, H / 8, W / 8, 4 * CHANNELS].
Network = Callable[[Grey], Floats]

# The classes are the ten digits and the marks that belong to numbers.
CLASSES = 11
# A cell's outputs: a logit for each class, the logarithms of height and width, how far down and right the middle is.
CHANNELS = CLASSES + 4


class Coding(NamedTuple):
    """How the network's outputs, 0 to 6, stand for numbers: ``unit * (output - zero)``."""

    unit: float
    zero: float

    def decode(self, outputs: Floats) -> Floats:
        """Return the numbers that outputs stand for."""
        return np.asarray(np.float32(self.unit) * (outputs - np.float32(self.zero)), np.float32)


LOGITS, SIZES, PLACES = Coding(4.0, 3.0), Coding(0.65, 4.0), Coding(0.5, 3.0)
STRIDE, CELLS = 4, 2  # pixels of a cell, and cells of a place of the network, along each side
UNIT = 24.0  # the size in pixels whose logarithm is 0
# The network finds digits of these heights; each size of the picture is half of the one before.
SMALLEST, LARGEST, STEP = 12.0, 48.0, 0.5
_GAP, _MULTIPLE = 8, 8
# Of a picture of one digit, the longer side in the sizes that are looked at, and in those of a closer look.
_SINGLE, _CLOSER = (80, 57, 40, 28), (160, 113)
_FAINTEST = 0.1  # the least probability of a peak
# Two boxes are of one digit if they share so much of their union, or of the smaller one.
_SAME, _INSIDE = 0.3, 0.65


class Found(NamedTuple):
    """One digit or mark.

    Attributes
    ----------
    box: top, left, bottom, right in pixels of the picture.
    score: the probability of the strongest class at the strongest peak.
    scores: the probability of each class, added up over the sizes of the picture in which it was found.

    """

    box: tuple[float, float, float, float]
    score: float
    scores: Floats


class _Placed(NamedTuple):
    """One size of a picture on the canvas: where it stands, its size, and its pixels for one of the picture."""

    top: int
    left: int
    size: tuple[int, int]
    scale: tuple[float, float]


def locate_one(network: Network, grey: Grey, *, closer: bool = False) -> list[Found]:
    """Find the digits of a picture, uint8 ``[H, W]``, that shows one.

    They are those that take at least a seventh of it or, with a ``closer`` look, a fourteenth to a half.
    """
    return _locate(network, grey, single_scales(grey, closer=closer))


def locate_all(network: Network, grey: Grey) -> list[Found]:
    """Find the digits of a page, uint8 ``[H, W]``, from 12 pixels to about its shorter side tall."""
    return _locate(network, grey, page_scales(grey))


def single_scales(grey: Grey, *, closer: bool = False) -> list[float]:
    """Return the scales in which the digit of a picture is looked for, the largest first."""
    return [side / max(grey.shape) for side in (_CLOSER if closer else _SINGLE)]


def page_scales(grey: Grey) -> list[float]:
    """Return the scales in which the digits of a page are looked for, the largest first."""
    scales = [1.0]
    while LARGEST / scales[-1] < min(grey.shape):
        scales.append(scales[-1] * STEP)
    return scales


def _locate(network: Network, grey: Grey, scales: Sequence[float]) -> list[Found]:
    canvas, places = lay_out(grey, scales)
    maps = unfold(in_tiles(network, canvas))
    return suppress(_peaks(maps, places))


def find_in_field(network: Network, field: Grey) -> list[Found]:
    """Find the digits of a field of local contrast, uint8 ``[H, W]`` of multiples of 8, as it is, in one size."""
    return find_in_maps(network(field[np.newaxis, ..., np.newaxis])[0])


def find_in_maps(outputs: Floats) -> list[Found]:
    """Find the digits in the network's outputs, ``[h, w, 4 * CHANNELS]``, for a field in one size."""
    maps = unfold(outputs)
    whole = _Placed(0, 0, (STRIDE * maps.shape[0], STRIDE * maps.shape[1]), (1.0, 1.0))
    return suppress(_peaks(maps, [whole]))


def lay_out(grey: Grey, scales: Sequence[float]) -> tuple[Grey, list[_Placed]]:
    """Return the canvas with the local contrast of the picture in all sizes, the largest first, and their places."""
    height, width = grey.shape
    sizes = [(max(4, round(height * scale)), max(4, round(width * scale))) for scale in scales]
    places, top, left, tall, wide = [], _GAP, _GAP, 0, sizes[0][1] + 2 * _GAP
    for high, across in sizes:
        if tall and left + across + _GAP > wide:  # the next row
            top, left, tall = top + tall + _GAP, _GAP, 0
        places.append(_Placed(top, left, (high, across), (high / height, across / width)))
        left += -(-(across + _GAP) // STRIDE) * STRIDE
        tall = max(tall, -(-high // STRIDE) * STRIDE)
    shape = top + tall + _GAP, wide
    canvas = np.full([-(-side // _MULTIPLE) * _MULTIPLE for side in shape], NONE, np.uint8)
    picture = Image.fromarray(grey)
    for placed in places:
        high, across = placed.size
        scaled = grey if placed.size == grey.shape else np.asarray(_resized(picture, (across, high)))
        canvas[placed.top : placed.top + high, placed.left : placed.left + across] = local_contrast(scaled)
    return canvas, places


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    way = Image.Resampling.BICUBIC if size[0] > picture.width else Image.Resampling.BILINEAR
    return picture.resize(size, way, reducing_gap=2.0)


def unfold(outputs: Floats) -> Floats:
    """Return the network's outputs ``[h, w, 4 * CHANNELS]`` as maps ``[2 h, 2 w, CHANNELS]``."""
    height, width, _ = outputs.shape
    apart = outputs.reshape(height, width, CELLS, CELLS, CHANNELS)
    return apart.transpose(0, 2, 1, 3, 4).reshape(CELLS * height, CELLS * width, CHANNELS)


def _peaks(maps: Floats, places: Sequence[_Placed]) -> Floats:
    """Return the peaks of all sizes of the picture, ``[peaks, 4 + CLASSES]``: boxes in its pixels, probabilities."""
    owner = np.full(maps.shape[:2], -1, np.int16)
    for number, placed in enumerate(places):
        starts = zip(placed[:2], placed.size, strict=True)
        owner[*(slice(at // STRIDE, -(-(at + side) // STRIDE)) for at, side in starts)] = number
    strongest = np.ascontiguousarray(maps[..., :CLASSES].transpose(2, 0, 1)).max(axis=0)  # a quarter of max(axis=-1)
    strength = np.where(owner < 0, np.float32(-np.inf), strongest)
    y, x = _highest(strength)
    order = np.argsort(owner[y, x], kind="stable")  # of peaks that are alike, those of the largest size come first
    y, x = y[order], x[order]
    at, of = maps[y, x], owner[y, x]
    high, wide = UNIT * np.exp(SIZES.decode(at[:, CLASSES : CLASSES + 2])).T
    down, right = PLACES.decode(at[:, CLASSES + 2 :]).T
    start, scale = (np.array([field(placed) for placed in places])[of] for field in (_start, _scale))
    middle_y, middle_x = (y + 0.5 + down) * STRIDE - start[:, 0], (x + 0.5 + right) * STRIDE - start[:, 1]
    boxes = np.stack([middle_y - high / 2, middle_x - wide / 2, middle_y + high / 2, middle_x + wide / 2], axis=1)
    probabilities = 1 / (1 + np.exp(-LOGITS.decode(at[:, :CLASSES])))
    return np.asarray(np.concatenate([boxes / scale, probabilities], axis=1), np.float32)


def _start(placed: _Placed) -> tuple[int, int]:
    return placed.top, placed.left


def _scale(placed: _Placed) -> tuple[float, float, float, float]:
    return placed.scale * 2


def _highest(strength: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of cells that none of their eight neighbours exceeds, and that are not too faint."""
    padded = np.pad(strength, 1, constant_values=-np.inf)
    around = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    highest = np.maximum(np.maximum(around[:-2], around[1:-1]), around[2:])
    least = np.log(_FAINTEST / (1 - _FAINTEST)) / LOGITS.unit + LOGITS.zero
    y, x = np.nonzero((strength >= highest) & (strength > least))
    return y, x


def suppress(peaks: Floats) -> list[Found]:
    """Return one `Found` for each group of peaks, ``[peaks, 4 + CLASSES]``, whose boxes are of one digit."""
    strength = peaks[:, 4:].max(axis=1)
    order = np.argsort(-strength, kind="stable")
    boxes, left = peaks[order, :4], np.ones(len(order), np.bool_)
    shared, inside = _overlaps(boxes)
    inside[_are_one_mark(boxes, peaks[order, 4:].argmax(axis=1) == CLASSES - 1)] = 1
    found = []
    for index in range(len(order)):
        if not left[index]:
            continue
        group = left & ((shared[index] > _SAME) | (inside[index] > _INSIDE))
        group[index] = True
        left &= ~group
        alike = group & (shared[index] > 0.45)
        alike[index] = True
        scores = peaks[order[alike], 4:].sum(axis=0)
        top, left_side, bottom, right = boxes[index].tolist()
        found.append(Found((top, left_side, bottom, right), float(strength[order[index]]), scores))
    return found


def _are_one_mark(boxes: Floats, is_mark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pairs, ``[N, N]``, are of one mark: their boxes are small and often miss each other."""
    top, left, bottom, right = boxes.T
    longer = np.maximum(bottom - top, right - left)
    middles = (top + bottom) / 2, (left + right) / 2
    apart = np.maximum(*(np.abs(middle[:, np.newaxis] - middle) for middle in middles))
    near: NDArray[np.bool_] = apart < np.maximum(longer[:, np.newaxis], longer)
    return near & is_mark[:, np.newaxis] & is_mark


def _overlaps(boxes: Floats) -> tuple[Floats, Floats]:
    """Return the shares of all pairs' intersections in their unions, and in the smaller box, ``[N, N]`` each."""
    top, left, bottom, right = boxes.T
    both = _shared(top, bottom) * _shared(left, right)
    area = (bottom - top) * (right - left)
    smaller = np.minimum(area[:, np.newaxis], area)
    union = area[:, np.newaxis] + area - both
    return np.asarray(both / union, np.float32), np.asarray(both / smaller, np.float32)


def _shared(start: Floats, end: Floats) -> Floats:
    """Return the length that each pair of stretches shares, ``[N, N]``."""
    length: Floats = np.minimum(end[:, np.newaxis], end) - np.maximum(start[:, np.newaxis], start)
    return np.maximum(length, 0, out=length)
