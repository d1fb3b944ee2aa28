"""Strokes: lines and curves as ink, and scribbles that are not digits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgedigits_train.synthetic.ink import Ink, trim

Rng = np.random.Generator
Points = NDArray[np.float64]

_ROOM = 40
_SIDE = 80
# The range of a digit's stroke width, in pixels of the fine resolution.
WIDTHS = (6, 13)


def draw_scribble(rng: Rng) -> Ink:
    """Draw a tangle of one to three curves through many random points."""
    field = Image.new("L", (_SIDE + 2 * _ROOM, _SIDE + 2 * _ROOM))
    thick = int(rng.integers(4, WIDTHS[1]))
    for _ in range(int(rng.integers(1, 4))):
        points = curve(rng.uniform(0, _SIDE, (int(rng.integers(8, 14)), 2)))
        stroke(ImageDraw.Draw(field), points + _ROOM, thick)
    return trim(field)


def draw_cross(rng: Rng) -> Ink:
    """Draw two or three straight lines that cross."""
    field = Image.new("L", (_SIDE + 2 * _ROOM, _SIDE + 2 * _ROOM))
    draw, thick = ImageDraw.Draw(field), int(rng.integers(3, WIDTHS[1]))
    start = rng.uniform(0, np.pi)
    for angle in start + np.cumsum(rng.uniform(0.9, 1.7, int(rng.integers(2, 4)))):
        middle = _ROOM + _SIDE / 2 + rng.uniform(-8, 8, 2)
        reach = rng.uniform(30, 55) * np.array([np.cos(angle), np.sin(angle)])
        stroke(draw, np.array([middle - reach, middle + reach]), thick)
    return trim(field)


def draw_dots(rng: Rng) -> Ink:
    """Draw three to nine dots, near enough to be taken for one object."""
    field = Image.new("L", (_SIDE, _SIDE))
    draw = ImageDraw.Draw(field)
    for _ in range(int(rng.integers(3, 10))):
        (x, y), radius = rng.uniform(12, _SIDE - 12, 2), rng.uniform(3, 11)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return trim(field)


def draw_line(points: Points, thick: int) -> Ink:
    """Return trimmed ink along ``points``, float64 ``[N, 2]`` (right, down), with round ends."""
    low = points.min(axis=0) - thick
    size = points.max(axis=0) + thick - low
    field = Image.new("L", (int(size[0]) + 1, int(size[1]) + 1))
    stroke(ImageDraw.Draw(field), points - low, thick)
    return trim(field)


def curve(points: Points, steps: int = 12) -> Points:
    """Return a smooth curve through ``points`` (E. Catmull, R. Rom, "A class of local interpolating splines", 1974)."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, steps)[:, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    parts = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    return np.asarray(parts.reshape(-1, 2))


def stroke_of(ink: Ink) -> int:
    """Return the stroke width of a digit's ink in pixels: twice its area, divided by the length of its outline."""
    mask = np.pad(np.asarray(ink) > 128, 1)
    edges = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return max(3, round(2 * np.count_nonzero(mask) / max(1.0, edges * np.pi / 4)))


def stroke(draw: ImageDraw.ImageDraw, points: Points, thick: int) -> None:
    """Draw a line along ``points``, float64 ``[N, 2]`` (right, down), with round ends."""
    places = [(float(x), float(y)) for x, y in points]
    draw.line(places, 255, thick, joint="curve")
    for x, y in (places[0], places[-1]):
        draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), 255)
