"""MNIST's own convention, ``[28, 28]``, light ink on dark: what follows it already is fed as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.normalised import Normalised
from edgedigits.images.rejection import Rejection

SIZE = 28
# A 28x28 image whose border is this dark follows MNIST's convention already; normalising it again costs accuracy
# (98.93 -> 98.51 % for a small net), and a dark-on-white page has a border far above it.
BORDER_LIMIT = 20
# The strongest pixel of every digit of MNIST is 254 or 255; dim or blurred ones are read better when normalised.
FULL_STRENGTH = 200

_BLACK_ROW = bytes(SIZE)


def pass_through(grey: NDArray[np.uint8], *, mnist: bool = False) -> Normalised | None:
    """A grey image, uint8 ``[H, W]``, untouched, if it is as MNIST's are or ``mnist`` says so; else None."""
    if grey.shape != (SIZE, SIZE):
        return None
    if follows_mnist(grey):
        return Normalised(grey, None, passed_through=True)
    if mnist:
        return Normalised(grey, None if grey.any() else Rejection("blank", {"contrast": 0.0}), passed_through=True)
    return None


def follows_mnist(grey: NDArray[np.uint8]) -> bool:
    """Whether a 28x28 image is light on dark, in full strength, and keeps away from its border for the most part."""
    # Bytes take a tenth of the time that numpy takes to compare and count: this stands before every ready array.
    data = grey.tobytes()
    if not (b"\xff" in data or b"\xfe" in data or int(grey.max()) >= FULL_STRENGTH):
        return False
    if data.startswith(_BLACK_ROW) and data.endswith(_BLACK_ROW):  # half of the border, and all four corners
        return True
    zeros = data.count(0, 0, SIZE) + data.count(0, -SIZE) + data[::SIZE].count(0) + data[SIZE - 1 :: SIZE].count(0)
    return zeros > 2 * SIZE or border_median(grey) <= BORDER_LIMIT


def border_median(grey: NDArray[np.uint8]) -> float:
    """Median of the outermost pixels: the background's grey, unless ink touches half of the border."""
    return float(np.median(np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])))
