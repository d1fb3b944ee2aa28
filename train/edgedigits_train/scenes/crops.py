"""Crops: what a classifier sees of a scene's digits, when a locator has found their boxes nearly right.

Crops of what is no digit (letters, scribbles, halves of digits, marks, bare paper and patterns) teach the classifier to
be in doubt; see `edgedigits_train.data.training_set`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.convention import SIZE
from edgedigits.images.crop import crop
from edgedigits_train.scenes.examples import Picture, draw_page, draw_small
from edgedigits_train.scenes.placing import Source
from edgedigits_train.scenes.sheet import MARK, OTHER, Truth
from edgedigits_train.synthetic.patterns import random_pattern

Rng = np.random.Generator

OUTLIER = -1
# The sides of the pictures that pages and small pictures are drawn as.
_PAGE, _SMALL = 128, 100
# The share of small pictures among all pictures.
_SMALL_SHARE = 0.45
# How far a locator's box is from the true one: standard deviations, in the box's heights, of its middle and its size.
_MIDDLE, _STRETCH = 0.03, 0.05
# Less of a character than this in the picture is not read.
_WHOLE = 0.8
_LEAST_HEIGHT = 7.0
# The share of arrays of MNIST's size that are patterns, and reach the classifier as they are.
_ARRAYS = 0.06
# Of a picture without digits, so many places are cropped.
_PLACES = 2


# What crops show.
PARTS = ("handwritten", "printed", "outliers")


class Crop(NamedTuple):
    """A model input, uint8 ``[28, 28]``, its label (a digit, or `OUTLIER`), and what it shows (an index of `PARTS`)."""

    image: NDArray[np.uint8]
    label: int
    part: int


def draw_crops(source: Source, rng: Rng) -> list[Crop]:
    """Draw a picture and return crops of all digits in it, and of some of what is no digit."""
    if rng.random() < _ARRAYS:
        return [Crop(random_pattern(SIZE, rng), OUTLIER, 2)]
    is_small = rng.random() < _SMALL_SHARE
    picture = draw_small(source, rng, _SMALL) if is_small else draw_page(source, rng, _PAGE)
    grey = 255 - picture.grey if rng.random() < 0.25 else picture.grey
    image = Image.fromarray(grey)
    digits = [truth for truth in picture.truths if 0 <= truth.label < MARK and _is_clear(truth)]
    others = [truth for truth in picture.truths if truth.label in (MARK, OTHER) and _is_clear(truth)]
    chosen = [others[index] for index in rng.permutation(len(others))[: 1 + len(digits) // 6]]
    crops = [Crop(crop(image, moved(truth.box, rng)), truth.label, int(truth.printed)) for truth in digits]
    crops += [Crop(crop(image, moved(truth.box, rng)), OUTLIER, 2) for truth in chosen]
    if not picture.truths:
        crops += [Crop(crop(image, _anywhere(picture, rng)), OUTLIER, 2) for _ in range(_PLACES)]
    return crops


def moved(box: tuple[float, float, float, float], rng: Rng) -> tuple[float, float, float, float]:
    """Return a box as a locator would give it."""
    top, left, bottom, right = box
    size = max(bottom - top, right - left)
    y, x = (top + bottom) / 2 + size * rng.normal(0, _MIDDLE), (left + right) / 2 + size * rng.normal(0, _MIDDLE)
    half_height, half_width = (
        side / 2 * float(np.exp(rng.normal(0, _STRETCH))) for side in (bottom - top, right - left)
    )
    return y - half_height, x - half_width, y + half_height, x + half_width


def _is_clear(truth: Truth) -> bool:
    return truth.visible >= _WHOLE and truth.height >= _LEAST_HEIGHT and truth.box[2] - truth.box[0] >= 3


def _anywhere(picture: Picture, rng: Rng) -> tuple[float, float, float, float]:
    height, width = picture.grey.shape
    tall = float(np.exp(rng.uniform(np.log(8), np.log(max(9, min(60, height))))))
    wide = tall * rng.uniform(0.3, 1.1)
    y, x = rng.uniform(0, height), rng.uniform(0, width)
    return y - tall / 2, x - wide / 2, y + tall / 2, x + wide / 2
