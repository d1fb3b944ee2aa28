"""Generated pictures of letters: no digits, though drawn with the same strokes, and to be refused."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.faces import face_files
from benchmarks.accuracy.samples import LabelledPicture

# Drawn like a digit by somebody: 0, 1, 5, 2, 8, 9, 6.
LIKE_DIGITS = frozenset("OoIlSsZzBqgb")
LETTERS = "".join(letter for letter in string.ascii_letters if letter not in LIKE_DIGITS)
SMALLEST, LARGEST = 64, 96  # pixels to the em
CANVAS = 200


def letters(seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield ``count`` of all pairs of letter and font in random order: dark on white.

    Raises
    ------
    TargetError: no Debian packages can be fetched here.

    """
    rng = np.random.default_rng(seed)
    every = [(font, letter) for font in face_files() for letter in LETTERS]
    for index in rng.permutation(len(every))[:count]:
        font, letter = every[index]
        ink = _printed(letter, font, int(rng.integers(SMALLEST, LARGEST + 1)))
        top, left = (int(rng.integers(5, max(CANVAS - side - 5, 6))) for side in ink.shape)
        canvas = np.zeros((CANVAS, CANVAS))
        canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        yield LabelledPicture(np.rint(255 * (1 - canvas)).astype(np.uint8), "")


def _printed(letter: str, font: Path, size: int) -> NDArray[np.float64]:
    """Draw a letter, 0 (paper) to 1 (ink), without the empty rows and columns around it."""
    face = ImageFont.truetype(str(font), size)
    left, top, right, bottom = face.getbbox(letter)
    canvas = Image.new("L", (max(round(right - left), 1) + 4, max(round(bottom - top), 1) + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), letter, fill=255, font=face)
    ink = np.asarray(canvas, np.float64) / 255
    strong = ink > 0.25
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    return ink[top : rows[-1] + 2, left : columns[-1] + 2]
