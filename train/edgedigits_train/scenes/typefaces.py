"""Typefaces: the fonts of this machine that have ordinary digits, and characters drawn with them."""

from __future__ import annotations

import zlib
from functools import cache, lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

DIGITS = "0123456789"
# A font whose digits do not resemble these has pictures or another script in their places.
_PATTERN = "DejaVuSans.ttf"
# How many of the ten digits must resemble their own pattern more than any other.
_LEAST_ALIKE = 6
# One font family in so many is held out: its characters are drawn for validation only.
HELD_OUT = 10
_SIDE = 24
_LARGE = 96


def find_fonts() -> tuple[str, ...]:
    """Return the files of all fonts that matplotlib brings and finds in the system's folders, sorted by name."""
    from matplotlib import font_manager

    own = Path(mpl.get_data_path(), "fonts", "ttf").glob("*.ttf")
    files = {*map(str, own), *font_manager.findSystemFonts()}
    return tuple(sorted(files, key=lambda file: (Path(file).name, file)))


@cache
def usable_fonts(*, held_out: bool = False) -> tuple[str, ...]:
    """Return the fonts with ordinary digits: those to train with or, of other families, those to validate with."""
    patterns = _shapes(str(Path(mpl.get_data_path(), "fonts", "ttf", _PATTERN)))
    found, seen = [], set()
    for file in find_fonts():
        name = Path(file).stem
        if name in seen or is_held_out(name) != held_out:
            continue
        shapes = _shapes(file)
        if shapes is not None and patterns is not None and _alike(shapes, patterns) >= _LEAST_ALIKE:
            found.append(file)
            seen.add(name)
    return tuple(found)


def is_held_out(name: str) -> bool:
    """Return whether the family of a font file's ``name`` is one to validate with."""
    family = name.partition("-")[0].partition("[")[0].lower()
    return zlib.crc32(family.encode()) % HELD_OUT == 0


# A run over a thousand fonts in a hundred sizes each would fill the memory of a machine.
@lru_cache(maxsize=512)
def load_font(file: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font at a size in pixels; the basic layout gives the same pixels with and without Raqm."""
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


def digit_height(file: str) -> float:
    """Return how tall the digits of a font are, as a share of its size."""
    top, bottom = load_font(file, _LARGE).getbbox("0123456789", anchor="ls")[1::2]
    return float(bottom - top) / _LARGE


def _shapes(file: str) -> NDArray[np.float64] | None:
    """Return the ten digits as unit vectors ``[10, pixels]``, or None if one of them is missing."""
    try:
        font = load_font(file, _LARGE)
        inks = [glyph(font, digit) for digit in DIGITS]
    except (OSError, ValueError, OverflowError):
        return None
    if min(min(ink.size) for ink in inks) < 4 or not 0.3 < digit_height(file) < 2:
        return None
    rows = np.stack(
        [np.asarray(ink.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64).reshape(-1) for ink in inks]
    )
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths if lengths.min() > 0 else None


def glyph(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """Return the ink of one character, mode ``L``, cut to its box; one pixel without ink for a space."""
    left, top, right, bottom = (round(side) for side in font.getbbox(character, anchor="ls"))
    ink = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(ink).text((-left, -top), character, fill=255, font=font, anchor="ls")
    return ink


def _alike(shapes: NDArray[np.float64], patterns: NDArray[np.float64]) -> int:
    return int(((shapes @ patterns.T).argmax(axis=1) == np.arange(10)).sum())
