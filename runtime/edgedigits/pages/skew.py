"""How far the lines of writing slope, and pictures turned straight, with the way back to the source's pixels.

The angle is the one under which the ink, projected along it, falls into the sharpest rows (W. Postl, "Detection of
linear oblique structures and skew scan in digitized documents", ICPR 1986): lines of digits and rulings alike. Only
ink positions are projected, at low resolution, coarse to fine, so the cost does not grow with the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Degrees: the largest skew that is looked for, the steps of the search, and what is left alone because turning
# would blur more than it helps.
LIMIT = 16.0
STEPS = (1.0, 0.25, 0.05)
IGNORED = 0.4
# Ink positions that are projected, and the longer side of the picture they come from.
MAX_POINTS = 6000
RESOLUTION = 480
# Turning must sharpen the projection by this factor: a word of two digits has no slope to speak of.
MIN_GAIN = 1.12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a picture about its middle, onto a sheet that holds all of it.

    Attributes
    ----------
    degrees: how far the source's lines fall to the right, positive clockwise.
    source: height and width of the source.
    turned: height and width of the sheet.

    """

    degrees: float
    source: tuple[int, int]
    turned: tuple[int, int]

    def apply(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The source uint8 ``[H, W]``, turned straight; 0 where nothing was."""
        if not self.degrees:
            return values
        angle = math.radians(self.degrees)
        cos, sin = math.cos(angle), math.sin(angle)
        (height, width), (tall, wide) = self.source, self.turned
        x0 = width / 2 - cos * wide / 2 + sin * tall / 2
        y0 = height / 2 - sin * wide / 2 - cos * tall / 2
        return np.asarray(
            Image.fromarray(values).transform(
                (wide, tall), Image.Transform.AFFINE, (cos, -sin, x0, sin, cos, y0), Image.Resampling.BILINEAR
            )
        )

    def box_in_source(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """The upright box of the source, top, left, bottom, right, around a box of the turned picture."""
        if not self.degrees:
            return box
        angle = math.radians(self.degrees)
        top, left, bottom, right = box
        x = np.array([left, right, left, right]) - self.turned[1] / 2
        y = np.array([top, top, bottom, bottom]) - self.turned[0] / 2
        across = math.cos(angle) * x - math.sin(angle) * y + self.source[1] / 2
        down = math.sin(angle) * x + math.cos(angle) * y + self.source[0] / 2
        return float(down.min()), float(across.min()), float(down.max()), float(across.max())


def turn_for(shape: tuple[int, int], degrees: float) -> Turn:
    """The turn that straightens a picture of ``shape`` whose lines slope by ``degrees``."""
    angle = math.radians(abs(degrees))
    height, width = shape
    tall = math.ceil(height * math.cos(angle) + width * math.sin(angle))
    wide = math.ceil(width * math.cos(angle) + height * math.sin(angle))
    return Turn(degrees, shape, (tall, wide) if degrees else shape)


def find_skew(mask: NDArray[np.bool_]) -> float:
    """Degrees in -16 to 16 by which the lines in a bool picture ``[H, W]`` fall to the right; 0 without evidence."""
    x, y = _points(mask)
    if len(x) < 2:
        return 0.0
    best, low, high = 0.0, -LIMIT, LIMIT
    straight = _sharpness(x, y, 0.0)
    for step in STEPS:
        angles = np.arange(low, high + step / 2, step)
        scores = np.array([_sharpness(x, y, float(angle)) for angle in angles])
        # Among equals the smaller turn: a single digit is about as sharp under many angles.
        best = float(angles[np.argmax(scores * (1 - 0.002 * np.abs(angles)))])
        low, high = max(best - step, -LIMIT), min(best + step, LIMIT)
    gained = _sharpness(x, y, best) >= MIN_GAIN * straight
    return round(best, 2) if gained and abs(best) > IGNORED else 0.0


def _points(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Positions of some of the ink from the middle, scaled so that the longer side is `RESOLUTION`."""
    places = np.flatnonzero(mask)
    if len(places) > MAX_POINTS:
        # Evenly spaced ones could fall in step with the rows; the seed keeps the answer the same at every call.
        places = places[np.random.default_rng(0).integers(0, len(places), MAX_POINTS)]
    y, x = np.divmod(places, mask.shape[1])
    scale = min(1.0, RESOLUTION / max(mask.shape))
    return (x - mask.shape[1] / 2) * scale, (y - mask.shape[0] / 2) * scale


def _sharpness(x: Floats, y: Floats, degrees: float) -> float:
    """Sum of the squared counts of ink in rows that slope by ``degrees``, each a pixel high."""
    angle = math.radians(degrees)
    rows = y * math.cos(angle) - x * math.sin(angle)
    counts = np.bincount((rows - rows.min()).astype(np.intp)).astype(np.float64)
    # Neighbouring rows are counted together, so that where the rows' borders fall matters little.
    return float(np.square(counts[:-1] + counts[1:]).sum() + counts[0] ** 2 + counts[-1] ** 2)
