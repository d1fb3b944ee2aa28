"""Which of two colours is the ink."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgedigits.images.light import SMALL
from edgedigits.images.sample import quantiles, sample

# The border differs this much from the picture's median, as a share of its range: a frame, or the table's edge.
FRAMED = 0.4
# Below this the skewness does not tell ink from paper.
CLEAR_SKEW = 0.8
# Then the border has its say: how much brighter it is than the picture, in standard deviations of the pixels.
BORDER_WEIGHT = 2.0
# A scan cut close to a heavy 0 looks framed, too, but has about as much ink as paper: less skewness than this.
TIGHT_SKEW = 0.45


def has_dark_ink(grey: NDArray[np.uint8]) -> bool:
    """Whether the ink of a grey picture, uint8 ``[h, w]``, is darker than its paper.

    Ink is the smaller part, so the brightness around its local mean is skewed to the ink's side. Where there is about
    as much ink as paper the border counts, too, which is mostly paper.
    """
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    low, middle, high = quantiles(sample(grey), 0.02, 0.5, 0.98)
    border_level = quantiles(border, 0.5)[0]
    framed = abs(border_level - middle) > FRAMED * (high - low)
    # A frame around the picture would count as paper inside the window next to it.
    around = middle if framed else sample(_box_mean(grey))
    skew = _skewness(sample(grey) - around)
    if framed and min(grey.shape) < SMALL and abs(skew) < TIGHT_SKEW:
        return border_level > middle
    if framed or abs(skew) >= CLEAR_SKEW:
        return skew < 0
    brighter = (float(border.mean()) - float(grey.mean())) / max(float(grey.std()), 1.0)
    return skew <= BORDER_WEIGHT * brighter


def _box_mean(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    radius = max(1, min(grey.shape) // 4)
    return np.asarray(Image.fromarray(grey).filter(ImageFilter.BoxBlur(radius)), np.float32)


def _skewness(values: NDArray[Any]) -> float:
    centred = (values - values.mean()).astype(np.float32).reshape(-1)
    squares = centred * centred
    spread = float(np.sqrt(squares.mean()))
    return float(squares @ centred) / centred.size / spread**3 if spread > 0 else 0.0
