"""Small scans made of MNIST digits: stand-ins for collections of envelopes (grey 16x16) and forms (binary 32x32)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from canvas import chosen
from drawing import Field, Sample, finish, smooth
from pens import cropped, pen_stroke
from PIL import Image

ENVELOPE, FORM = 16, 32


def envelopes(split: str, seed: int, count: int) -> Iterator[Sample]:
    """Grey, cut close to the ink, of the digit's own proportions in 16x16; half of them dark on light."""
    rng = np.random.default_rng((seed, 5))
    for digit, label in chosen(split, seed, count):
        ink = cropped(digit)
        fit = ENVELOPE / max(ink.shape)
        size = max(round(ink.shape[1] * fit), 2), max(round(ink.shape[0] * fit), 2)
        small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.LANCZOS), np.float64)
        field = smooth(_middle(small, ENVELOPE), rng.uniform(0, 0.5)) + rng.normal(0, 4, (ENVELOPE, ENVELOPE))
        yield Sample(finish(255 - field if rng.random() < 0.5 else field), label, "envelope")


def forms(split: str, seed: int, count: int) -> Iterator[Sample]:
    """Black and white, thick strokes, nearly filling 32x32; half of them dark on light."""
    rng = np.random.default_rng((seed, 6))
    for digit, label in chosen(split, seed, count):
        ink = pen_stroke(digit, int(rng.integers(26, FORM)), rng.uniform(0.2, 0.38))
        field = 255.0 * (_middle(ink, FORM) > 0.5)
        yield Sample(finish(255 - field if rng.random() < 0.5 else field), label, "form")


def _middle(ink: Field, side: int) -> Field:
    """Centred in a square; what is wider than it is scaled down."""
    if ink.shape[1] > side or ink.shape[0] > side:
        fit = side / max(ink.shape)
        size = max(int(ink.shape[1] * fit), 1), max(int(ink.shape[0] * fit), 1)
        ink = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.BOX), np.float64)
    field = np.zeros((side, side))
    top, left = (side - ink.shape[0]) // 2, (side - ink.shape[1]) // 2
    field[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return field
