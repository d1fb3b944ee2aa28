"""Outliers: images that are not digits but reach the network, which learns to tell them from digits.

The method is outlier exposure: D. Hendrycks, M. Mazeika, T. Dietterich, "Deep Anomaly Detection with Outlier Exposure",
ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits_train.synthetic.ink import FINE, Ink, distort, fit, trim
from edgedigits_train.synthetic.paper import Picture, photograph
from edgedigits_train.synthetic.patterns import random_pattern
from edgedigits_train.synthetic.printed import LETTERS, SIGNS, random_character
from edgedigits_train.synthetic.strokes import draw_cross, draw_dots, draw_scribble

Grey = NDArray[np.uint8]
Rng = np.random.Generator
# Returns the ink of a random digit of the data that has a given label.
Pick = Callable[[int, Rng], Ink]

# Halves that are not digits themselves (the right half of an 8 is one). Each is a digit and the left, top, right and
# bottom of its half, as shares of its size.
HALVES = (
    (0, (0.0, 0.0, 1.0, 0.5)),
    (0, (0.0, 0.5, 1.0, 1.0)),
    (2, (0.0, 0.55, 1.0, 1.0)),
    (4, (0.0, 0.0, 1.0, 0.45)),
    (5, (0.0, 0.0, 1.0, 0.5)),
)
# Digits to stack: not 1, because a 1 above a 1 is a 1, nor round digits, which make an 8.
_STACKED = (2, 3, 4, 5)
# Digits to join side by side: not 1, which may look like a part of the other digit.
_BESIDE = (0, 2, 3, 4, 5, 6, 7, 8, 9)
_SIDE = 28
_INK = 128
# Least and greatest size of a pattern in pixels.
_SMALL, _LARGE = 24, 160


def draw_outlier(kind: str, pick: Pick, rng: Rng) -> Picture:
    """Draw a picture of ``kind``, which is a name in `SHARES`."""
    match kind:
        case "array":
            return Picture(random_pattern(_SIDE, rng), None, mnist=True)
        case "pattern":
            size = round(float(np.exp(rng.uniform(np.log(_SMALL), np.log(_LARGE)))))
            return Picture(random_pattern(size, rng), None)
        case "letter":
            ink = random_character(LETTERS if rng.random() < 0.9 else SIGNS, rng)[1]
        case "joined":
            ink = join_digits(pick, rng)
        case "half":
            ink = halve_digit(pick, rng)
        case _:
            ink = _DRAWINGS[int(rng.integers(len(_DRAWINGS)))](rng)
    # In eight by eight pixels a letter may look like a digit, so there are no coarse scans of outliers.
    return photograph(distort(ink, rng, 0.7), rng, coarse=False)


# The kinds of outliers, and the share of each.
SHARES = (("letter", 0.45), ("joined", 0.12), ("half", 0.05), ("scribble", 0.12), ("pattern", 0.12), ("array", 0.14))
_DRAWINGS: tuple[Callable[[Rng], Ink], ...] = (draw_scribble, draw_scribble, draw_cross, draw_dots)


def join_digits(pick: Pick, rng: Rng) -> Ink:
    """Draw two or three digits that touch, beside or above each other, squeezed into the shape of one digit."""
    if rng.random() < 0.25:
        stacked = [pick(label, rng).transpose(Image.Transpose.ROTATE_90) for label in rng.choice(_STACKED, 2).tolist()]
        return _row(stacked, rng).transpose(Image.Transpose.ROTATE_270)
    labels = rng.choice(_BESIDE, 2 if rng.random() < 0.7 else 3).tolist()
    return _row([pick(label, rng) for label in labels], rng)


def halve_digit(pick: Pick, rng: Rng) -> Ink:
    """Draw a half of a digit that is not a digit itself."""
    label, (left, top, right, bottom) = HALVES[int(rng.integers(len(HALVES)))]
    ink = pick(label, rng)
    width, height = ink.size
    return trim(ink.crop((round(left * width), round(top * height), round(right * width), round(bottom * height))))


def _row(inks: list[Ink], rng: Rng) -> Ink:
    """Join inks side by side so that each touches the last one, and squeeze them to about a digit's width."""
    tall = 20 * FINE
    field = np.zeros((tall, 0), np.uint8)
    for ink in inks:
        grey = np.asarray(fit(ink, tall))
        padded = np.zeros((tall, grey.shape[1]), np.uint8)
        top = (tall - grey.shape[0]) // 2
        padded[top : top + grey.shape[0]] = grey
        field = _pushed(field, padded, int(rng.integers(2, 7))) if field.size else padded
    width = round(tall * rng.uniform(0.6, 1.3))
    return Image.fromarray(field).resize((width, tall), Image.Resampling.BILINEAR)


def _pushed(left: Grey, right: Grey, overlap: int) -> Grey:
    """Join two inks side by side, so that they share ``overlap`` pixels in the row with the smallest gap."""
    gaps = (left[:, ::-1] > _INK).argmax(axis=1) + (right > _INK).argmax(axis=1)
    both = (left > _INK).any(axis=1) & (right > _INK).any(axis=1)
    move = int(gaps[both].min()) + overlap if both.any() else overlap
    start = max(0, left.shape[1] - move)
    joined = np.zeros((left.shape[0], max(left.shape[1], start + right.shape[1])), np.uint8)
    joined[:, : left.shape[1]] = left
    part = joined[:, start : start + right.shape[1]]
    np.maximum(part, right, out=part)
    return joined
