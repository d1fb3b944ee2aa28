"""Printed characters, in the typefaces that matplotlib contains."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgedigits_train.synthetic.ink import Ink, trim

# The typefaces with digits and letters; matplotlib's others hold mathematical signs.
FONTS = (
    *(f"DejaVuSans{style}.ttf" for style in ("", "-Bold", "-BoldOblique", "-Oblique")),
    *(f"DejaVuSansMono{style}.ttf" for style in ("", "-Bold", "-BoldOblique", "-Oblique")),
    *(f"DejaVuSerif{style}.ttf" for style in ("", "-Bold", "-BoldItalic", "-Italic")),
    *(f"STIXGeneral{style}.ttf" for style in ("", "Bol", "BolIta", "Italic")),
    *(f"cm{style}10.ttf" for style in ("b", "r", "ss", "ti", "tt")),
)
DIGITS = "0123456789"
# Letters that look like a digit in some handwriting or typeface; an i easily loses its dot and is a 1.
LOOK_ALIKES = "OoIilSsZzBqgb"
LETTERS = "".join(
    letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if letter not in LOOK_ALIKES
)
# Signs that are not bars, and that Computer Modern has at the usual code points, too.
SIGNS = "#%&*+=?@"
_POINTS = 100


def draw_character(character: str, font: str) -> Ink:
    """Draw one character and return its trimmed ink; a digit is about 80 pixels tall."""
    field = Image.new("L", (2 * _POINTS, 2 * _POINTS))
    ImageDraw.Draw(field).text((_POINTS // 2, _POINTS // 4), character, fill=255, font=_load(font))
    return trim(field)


def random_character(characters: str, rng: np.random.Generator) -> tuple[str, Ink]:
    """Draw one of ``characters`` in one of the typefaces; return the character and its ink."""
    character = characters[int(rng.integers(len(characters)))]
    return character, draw_character(character, FONTS[int(rng.integers(len(FONTS)))])


@cache
def _load(name: str) -> ImageFont.FreeTypeFont:
    # The basic layout gives the same pixels whether or not Pillow was built with Raqm.
    file = Path(mpl.get_data_path(), "fonts", "ttf", name)
    return ImageFont.truetype(str(file), _POINTS, layout_engine=ImageFont.Layout.BASIC)
