"""Characters of printed type, from the typefaces that matplotlib brings along."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgedigits_train.synthetic.ink import Ink, trim

# Those with digits and letters; the others hold mathematical signs.
FONTS = (
    *(f"DejaVuSans{style}.ttf" for style in ("", "-Bold", "-BoldOblique", "-Oblique")),
    *(f"DejaVuSansMono{style}.ttf" for style in ("", "-Bold", "-BoldOblique", "-Oblique")),
    *(f"DejaVuSerif{style}.ttf" for style in ("", "-Bold", "-BoldItalic", "-Italic")),
    *(f"STIXGeneral{style}.ttf" for style in ("", "Bol", "BolIta", "Italic")),
    *(f"cm{style}10.ttf" for style in ("b", "r", "ss", "ti", "tt")),
)
DIGITS = "0123456789"
# Drawn like a digit in some hand or typeface; a dot is easily lost, and an i without it is a 1.
LOOK_ALIKES = "OoIilSsZzBqgb"
LETTERS = "".join(
    letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if letter not in LOOK_ALIKES
)
# Signs that are no bars, and that Computer Modern has at their places, too.
SIGNS = "#%&*+=?@"
_POINTS = 100


def draw_character(character: str, font: str) -> Ink:
    """Ink of one character, about 80 pixels tall for a digit, trimmed."""
    field = Image.new("L", (2 * _POINTS, 2 * _POINTS))
    ImageDraw.Draw(field).text((_POINTS // 2, _POINTS // 4), character, fill=255, font=_load(font))
    return trim(field)


def random_character(characters: str, rng: np.random.Generator) -> tuple[str, Ink]:
    """One of ``characters`` in one of the typefaces."""
    character = characters[int(rng.integers(len(characters)))]
    return character, draw_character(character, FONTS[int(rng.integers(len(FONTS)))])


@cache
def _load(name: str) -> ImageFont.FreeTypeFont:
    # Basic layout: the same pixels whether or not Pillow was built with Raqm.
    file = Path(mpl.get_data_path(), "fonts", "ttf", name)
    return ImageFont.truetype(str(file), _POINTS, layout_engine=ImageFont.Layout.BASIC)
