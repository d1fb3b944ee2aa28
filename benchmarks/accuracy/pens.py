"""Digits and letters as ink: strength 0 (paper) to 1 (full ink), cropped to what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drawing import Field, Grey, smooth
from PIL import Image, ImageDraw, ImageFont

FAINT = 0.25  # of full ink: what still belongs to a stroke
KEPT = 0.5  # of a digit's pixels, at least


def cropped(ink: Grey) -> Grey:
    """Light ink on dark, cropped to its bounding box."""
    strong = ink > 40
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def pen_stroke(digit: Grey, height: int, weight: float) -> Field:
    """An MNIST digit ``height`` pixels high, redrawn with a pen: ``weight`` 0.6 is thin, 0.4 as it was, 0.2 thick.

    The scaled strokes are softened and cut at that level, which moves their edges; `weight` is of the full ink.
    """
    ink = cropped(digit)
    scale = height / ink.shape[0]
    margin = 3
    padded = np.pad(ink, margin)
    size = (max(round(padded.shape[1] * scale), 1), max(round(padded.shape[0] * scale), 1))
    large = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC), np.float64)
    soft = smooth(large, 0.5 * scale) / 255
    whole = np.count_nonzero(soft > FAINT)
    # A hesitant stroke would break under a thin pen: no person could read it any more.
    for level in (weight, 0.4, 0.3):
        stroke = np.clip((soft - level) * max(2.0, scale) + 0.5, 0, 1)
        if np.count_nonzero(stroke > 0.5) > KEPT * whole:
            break
    return trimmed(stroke)


def printed(text: str, font: Path, height: int) -> Field:
    """A character in a font of ``height`` pixels to the em."""
    face = ImageFont.truetype(str(font), height)
    left, top, right, bottom = face.getbbox(text)
    canvas = Image.new("L", (max(round(right - left), 1) + 4, max(round(bottom - top), 1) + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), text, fill=255, font=face)
    return trimmed(np.asarray(canvas, np.float64) / 255)


def trimmed(ink: Field) -> Field:
    """Without the empty rows and columns around it; a single pixel where nothing is drawn."""
    strong = ink > 0.25
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    if not len(rows):
        return np.zeros((1, 1))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    return ink[top : rows[-1] + 2, left : columns[-1] + 2]


def stamp(layer: Field, ink: Field, top: int, left: int) -> None:
    """Draw ``ink`` on ``layer`` where it falls inside; crossing strokes do not add up."""
    low, high = max(top, 0), min(top + ink.shape[0], layer.shape[0])
    first, last = max(left, 0), min(left + ink.shape[1], layer.shape[1])
    if low < high and first < last:
        part = layer[low:high, first:last]
        np.maximum(part, ink[low - top : high - top, first - left : last - left], out=part)
