"""Ink without its paper: it is enlarged, slanted, rotated and stretched, and its strokes are made wider or narrower.

Ink is a Pillow image of mode ``L``, from 0 for no ink to 255 for full ink. Its *fine* resolution has four pixels for
one of MNIST's, so that a digit is about 80 pixels tall and strokes can change by less than one of MNIST's pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Ink: TypeAlias = Image.Image

FINE = 4
# Greatest slant (pixels to the right for each pixel upwards) and rotation (degrees), to both sides.
MAX_SLANT, MAX_TURN = 0.35, 12.0
NARROWEST, WIDEST = 0.6, 1.3
# Trimming ignores ink that is fainter than this.
_FAINT = 48
# Strokes keep at least this share of their area, so that hairlines do not break.
_LEAST_LEFT = 0.6


def from_mnist(image: NDArray[np.uint8]) -> Ink:
    """Enlarge an MNIST digit, uint8 ``[28, 28]``, to fine ink with steep edges, trimmed."""
    height, width = image.shape
    large = Image.fromarray(image).resize((width * FINE, height * FINE), Image.Resampling.BICUBIC)
    return trim(large.point(_ramp(110, 2.2)))


def trim(ink: Ink) -> Ink:
    """Crop an image to its ink; an image without ink is returned unchanged."""
    box = ink.point(_above(_FAINT)).getbbox()
    return ink.crop(box) if box else ink


def fit(ink: Ink, longer: float) -> Ink:
    """Scale ink so that its longer side is ``longer`` pixels."""
    factor = longer / max(ink.size)
    size = max(1, round(ink.width * factor)), max(1, round(ink.height * factor))
    return ink.resize(size, Image.Resampling.BILINEAR)


def distort(ink: Ink, rng: np.random.Generator, share: float = 1.0) -> Ink:
    """Slant, rotate and stretch ink at random, within ``share`` of the limits above, and trim it."""
    slant = share * float(np.clip(rng.normal(0, 0.14), -MAX_SLANT, MAX_SLANT))
    turn = share * np.deg2rad(np.clip(rng.normal(0, 5), -MAX_TURN, MAX_TURN))
    aspect = float(np.exp(share * rng.uniform(np.log(NARROWEST), np.log(WIDEST))))
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1, -slant], [0, 1]]) @ np.diag([aspect, 1.0])
    return trim(_transformed(ink, matrix))


def change_strokes(ink: Ink, rng: np.random.Generator) -> Ink:
    """Make strokes wider or narrower by up to one of MNIST's pixels and round their corners a little."""
    radius = rng.uniform(1.0, 3.5)
    room = round(2 * radius)
    wide = Image.new("L", (ink.width + 2 * room, ink.height + 2 * room))
    wide.paste(ink, (room, room))
    level = rng.uniform(45, 165)
    changed = wide.filter(ImageFilter.GaussianBlur(radius)).point(_ramp(level, 2.5))
    return trim(changed) if _area(changed) >= _LEAST_LEFT * _area(ink) else ink


def thicken(ink: Ink, rng: np.random.Generator) -> Ink:
    """Make strokes wider by one or two of MNIST's pixels, as a felt pen or a coarse scanner would."""
    room = 10
    wide = Image.new("L", (ink.width + 2 * room, ink.height + 2 * room))
    wide.paste(ink, (room, room))
    return trim(wide.filter(ImageFilter.GaussianBlur(rng.uniform(2.5, 5))).point(_ramp(rng.uniform(35, 75), 4)))


def clip_edge(ink: Ink, rng: np.random.Generator) -> Ink:
    """Cut one or two of MNIST's pixels off one side."""
    cut = round(FINE * rng.uniform(0.8, 2.2))
    box = [0, 0, ink.width, ink.height]
    side = int(rng.integers(4))
    # A bar would lose too much of its width.
    if ink.size[side % 2] > 6 * cut:
        box[side] += cut if side < 2 else -cut
    return ink.crop((box[0], box[1], box[2], box[3]))


def resemblance(model_input: NDArray[np.uint8], ink: Ink) -> float:
    """Return the cosine similarity, 0 to 1, of a model input, uint8 ``[28, 28]``, and the ink that it should show."""
    side = model_input.shape[0]
    small = fit(ink, 20)
    weights = np.asarray(small, np.float64)
    total = max(1.0, weights.sum())
    x = side / 2 - float(weights.sum(axis=0) @ np.arange(0.5, small.width)) / total
    y = side / 2 - float(weights.sum(axis=1) @ np.arange(0.5, small.height)) / total
    own = Image.new("L", (side, side))
    own.paste(small, (round(x), round(y)))
    images = (own, Image.fromarray(model_input))
    soft = (np.asarray(image.filter(ImageFilter.BoxBlur(1)), np.float64) for image in images)
    one, other = (values / max(1.0, float(np.linalg.norm(values))) for values in soft)
    return float((one * other).sum())


def _transformed(ink: Ink, matrix: NDArray[np.float64]) -> Ink:
    """Apply a linear map of (right, down) around the centre; the result is large enough for all ink."""
    half = np.array(ink.size) / 2
    width, height = (int(side) for side in np.ceil(2 * np.abs(matrix) @ half))
    inverse = np.linalg.inv(matrix)
    x0, y0 = half - inverse @ (np.array([width, height]) / 2)
    rows = (inverse[0, 0], inverse[0, 1], x0, inverse[1, 0], inverse[1, 1], y0)
    return ink.transform((width, height), Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR)


def _area(ink: Ink) -> int:
    return sum(ink.histogram()[128:])


def _ramp(level: float, gain: float) -> Sequence[int]:
    """Return a look-up table that maps ``level`` to half ink and makes edges ``gain`` times as steep."""
    return [int(value) for value in np.clip((np.arange(256) - level) * gain + 128, 0, 255)]


def _above(level: int) -> Sequence[int]:
    return [0] * level + [255] * (256 - level)
