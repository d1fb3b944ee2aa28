"""Placing: characters and lines put on a sheet, with the label of each character."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgedigits_train.scenes.segments import Segments
from edgedigits_train.scenes.sheet import MARK, OTHER, Sheet
from edgedigits_train.scenes.typefaces import DIGITS
from edgedigits_train.scenes.writing import MARKS, Digits, Pen, Print, Writing

Rng = np.random.Generator

# Letters and signs that nobody takes for a digit or a mark when they stand alone.
UNLIKE = "ACDEFGHJKLMNPQRTUVWXYacdefhjkmnprtuvwxy?!&%#@*+=<>()[]{}$"


class Source(NamedTuple):
    """What can be written with: handwritten digits, and the files of typefaces."""

    digits: Digits
    fonts: tuple[str, ...]

    def pen(self, rng: Rng) -> Pen:
        """Return a new writer."""
        return Pen(self.digits, rng)

    def print(self, rng: Rng) -> Print:
        """Return a random typeface."""
        return Print(self.fonts[int(rng.integers(len(self.fonts)))], rng)

    def either(self, rng: Rng) -> Writing:
        """Return a writer, a typeface or, now and then, a display of segments."""
        kind = rng.random()
        return self.pen(rng) if kind < 0.56 else self.print(rng) if kind < 0.94 else Segments(rng)


def put(sheet: Sheet, writing: Writing, character: str, at: tuple[float, float], height: float, rng: Rng) -> float:
    """Write a character with its left end and base line at ``at`` and return its width."""
    ink, rise = writing.draw(character, height, rng)
    sheet.stamp(ink, (at[0], at[1] - rise), rng.uniform(0.85, 1), label_of(character), height, printed=writing.letters)
    return float(ink.width)


def put_centred(
    sheet: Sheet, writing: Writing, character: str, at: tuple[float, float], height: float, depth: float, rng: Rng
) -> None:
    """Write a character with its middle at ``at``."""
    ink, _ = writing.draw(character, height, rng)
    corner = at[0] - ink.width / 2, at[1] - ink.height / 2
    sheet.stamp(ink, corner, depth, label_of(character), height, printed=writing.letters)


def label_of(character: str) -> int | None:
    """Return the label of a character: a digit's value, `MARK`, `OTHER`, or None for what may look like a digit."""
    if character in DIGITS:
        return int(character)
    if character in MARKS:
        return MARK
    return OTHER if character in UNLIKE else None


def new_layer(sheet: Sheet) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty image as large as the sheet, and what draws on it."""
    layer = Image.new("L", (sheet.width, sheet.height))
    return layer, ImageDraw.Draw(layer)


def draw_band(lines: NDArray[np.uint8], middle: float, thick: float, level: int, *, upright: bool) -> None:
    """Draw one upright or level line through a whole layer."""
    first, last = max(0, round(middle - thick / 2)), max(0, round(middle + thick / 2))
    rows = lines.T if upright else lines
    rows[first : max(last, first + 1)] = level
