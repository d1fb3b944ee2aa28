"""Pictures with digits, bars and rings that the tests of the steps of pipeline digit/1 look at."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

PAPER, INK = 220, 30


def page(height=100, width=80, paper=PAPER):
    return np.full((height, width), paper, np.uint8)


def draw(picture, *lines, width=6, ink=INK):
    """The same picture with polylines of (column, row) points, as a pen with a square tip draws them."""
    image = Image.fromarray(picture)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=ink, width=width)
    return np.asarray(image).copy()


def ring(picture, box, width=6, ink=INK):
    """The same picture with an ellipse in the box left, top, right, bottom."""
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).ellipse(box, outline=ink, width=width)
    return np.asarray(image).copy()


def on_paper(digit, size=100, place=(50, 60), field=(200, 220), ink=1.0):
    """A digit of MNIST scaled onto a larger sheet of white paper, dark on light."""
    big = np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC))
    paper = np.full(field, 255, np.uint8)
    paper[place[0] : place[0] + size, place[1] : place[1] + size] -= np.rint(big * ink).astype(np.uint8)
    return paper


def alike(one, other):
    """Correlation of two pictures' pixels: 1 for the same picture, about 0 for unrelated ones."""
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def alike_within_a_pixel(one, other):
    """The same, the better of nine: the middle of a digit is rounded to whole pixels, either way."""
    return max(alike(one, np.roll(other, (down, right), (0, 1))) for down in (-1, 0, 1) for right in (-1, 0, 1))
