"""Ink without its paper: it is enlarged, slanted, rotated and stretched.

Ink is a Pillow image of mode ``L``, from 0 for no ink to 255 for full ink. Its *fine* resolution has four pixels for
one of MNIST's, so that a digit is about 80 pixels tall and strokes can change by less than one of MNIST's pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Ink: TypeAlias = Image.Image

FINE = 4
# Greatest slant (pixels to the right for each pixel upwards) and rotation (degrees), to both sides.
MAX_SLANT, MAX_TURN = 0.35, 12.0
NARROWEST, WIDEST = 0.6, 1.3
# Trimming ignores ink that is fainter than this.
_FAINT = 48


def from_mnist(image: NDArray[np.uint8]) -> Ink:
    """Enlarge an MNIST digit, uint8 ``[28, 28]``, to fine ink with steep edges, trimmed."""
    height, width = image.shape
    large = Image.fromarray(image).resize((width * FINE, height * FINE), Image.Resampling.BICUBIC)
    return trim(large.point(_ramp(110, 2.2)))


def trim(ink: Ink) -> Ink:
    """Crop an image to its ink; an image without ink is returned unchanged."""
    box = ink.point(_above(_FAINT)).getbbox()
    return ink.crop(box) if box else ink


def distort(ink: Ink, rng: np.random.Generator, share: float = 1.0) -> Ink:
    """Slant, rotate and stretch ink at random, within ``share`` of the limits above, and trim it."""
    slant = share * float(np.clip(rng.normal(0, 0.14), -MAX_SLANT, MAX_SLANT))
    turn = share * np.deg2rad(np.clip(rng.normal(0, 5), -MAX_TURN, MAX_TURN))
    aspect = float(np.exp(share * rng.uniform(np.log(NARROWEST), np.log(WIDEST))))
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1, -slant], [0, 1]]) @ np.diag([aspect, 1.0])
    return trim(_transformed(ink, matrix))


def _transformed(ink: Ink, matrix: NDArray[np.float64]) -> Ink:
    """Apply a linear map of (right, down) around the centre; the result is large enough for all ink."""
    half = np.array(ink.size) / 2
    width, height = (int(side) for side in np.ceil(2 * np.abs(matrix) @ half))
    inverse = np.linalg.inv(matrix)
    x0, y0 = half - inverse @ (np.array([width, height]) / 2)
    rows = (inverse[0, 0], inverse[0, 1], x0, inverse[1, 0], inverse[1, 1], y0)
    return ink.transform((width, height), Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR)


def _ramp(level: float, gain: float) -> Sequence[int]:
    """Return a look-up table that maps ``level`` to half ink and makes edges ``gain`` times as steep."""
    return [int(value) for value in np.clip((np.arange(256) - level) * gain + 128, 0, 255)]


def _above(level: int) -> Sequence[int]:
    return [0] * level + [255] * (256 - level)
