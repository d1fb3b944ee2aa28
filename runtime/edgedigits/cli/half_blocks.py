"""Drawing a small picture in a terminal with half blocks, two pixels to a character, in 24-bit colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw(image: NDArray[np.uint8]) -> str:
    """Return lines of text for a picture, uint8 ``[H, W]`` or ``[H, W, 3]``; an odd last row is paired with black."""
    rgb = np.repeat(image[..., np.newaxis], 3, axis=2) if image.ndim == 2 else image
    if len(rgb) % 2:
        rgb = np.concatenate([rgb, np.zeros_like(rgb[:1])])
    lines = []
    for upper, lower in zip(rgb[::2], rgb[1::2], strict=True):
        cells = (f"\x1b[38;2;{a};{b};{c};48;2;{d};{e};{f}m▀" for (a, b, c), (d, e, f) in zip(upper, lower, strict=True))
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)
