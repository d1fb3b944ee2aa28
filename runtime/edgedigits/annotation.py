"""A picture with its answers drawn on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from edgedigits.images.normalised import Box

READ, REJECTED = (0, 110, 200), (205, 30, 30)
# Height of the answers by that of the digits, and the least that can be read, in pixels.
TEXT_SHARE, LEAST_TEXT = 0.45, 9

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Mark:
    """One answer and its place: ``box`` in pixels of the source, ``height`` of the writing that it belongs to."""

    text: str
    box: Box
    rejected: bool
    height: float


def annotate(image: Image.Image, size: tuple[int, int], marks: Iterable[Mark]) -> Image.Image:
    """A copy of ``image`` in colours, with a box around each place and its answer above.

    ``size`` is the source's, width and height, of which ``image`` may be a reduced copy.
    """
    canvas = image.copy() if image.mode == "RGB" else image.convert("RGB")
    draw = ImageDraw.Draw(canvas)
    across, down = canvas.width / size[0], canvas.height / size[1]
    for mark in marks:
        font = _font(max(LEAST_TEXT, round(TEXT_SHARE * mark.height * down)))
        top, left, bottom, right = mark.box
        x0, y0 = left * across, top * down
        colour = REJECTED if mark.rejected else READ
        # Boxes are exclusive at their end, Pillow's rectangles are not.
        draw.rectangle((x0, y0, max(right * across - 1, x0), max(bottom * down - 1, y0)), outline=colour)
        draw.text((x0, max(y0 - font.getbbox(mark.text)[3] - 1, 0)), mark.text, fill=colour, font=font)
    return canvas


def _font(size: int) -> Font:
    try:
        return ImageFont.load_default(size)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()  # Pillow before 10.1, or without FreeType, has one size
