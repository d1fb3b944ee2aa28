"""Drawing boxes and labels on a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from edgedigits.images.digits import Box

READ, REJECTED = (0, 110, 200), (205, 30, 30)
# The height of a label as a share of its digit's height, and the smallest legible height in pixels.
TEXT_SHARE, MIN_TEXT = 0.45, 9

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Mark:
    """A label to draw; ``box`` is in pixels of the source, ``height`` that of the digits, which scales the text."""

    text: str
    box: Box
    rejected: bool
    height: float


def annotate(image: Image.Image, size: tuple[int, int], marks: Iterable[Mark]) -> Image.Image:
    """Return a copy of ``image`` in colours, with a box for each mark and its text above.

    ``size`` is the width and height of the source, of which ``image`` may be a reduced copy.
    """
    canvas = image.copy() if image.mode == "RGB" else image.convert("RGB")
    draw = ImageDraw.Draw(canvas)
    across, down = canvas.width / size[0], canvas.height / size[1]
    for mark in marks:
        font = _font(max(MIN_TEXT, round(TEXT_SHARE * mark.height * down)))
        top, left, bottom, right = mark.box
        x0, y0 = left * across, top * down
        colour = REJECTED if mark.rejected else READ
        # Boxes exclude their last row and column, Pillow's rectangles include them.
        draw.rectangle((x0, y0, max(right * across - 1, x0), max(bottom * down - 1, y0)), outline=colour)
        draw.text((x0, max(y0 - font.getbbox(mark.text)[3] - 1, 0)), mark.text, fill=colour, font=font)
    return canvas


def _font(size: int) -> Font:
    try:
        return ImageFont.load_default(size)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()  # Pillow before 10.1, or without FreeType, has one size
