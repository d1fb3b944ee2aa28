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
    if follows_mnist(grey.tobytes()):
        return Normalised(grey, None, passed_through=True)
    if mnist:
        return Normalised(grey, None if grey.any() else Rejection("blank", {"contrast": 0.0}), passed_through=True)
    return None


def follows_mnist(data: bytes) -> bool:
    """Whether a 28x28 image, row by row, is light on dark, in full strength, and keeps away from its border mostly.

    Of bytes, which are compared and counted in a tenth of the time that an array takes: it stands before every answer.
    """
    if not (255 in data or 254 in data or max(data) >= FULL_STRENGTH):
        return False
    if data.startswith(_BLACK_ROW) and data.endswith(_BLACK_ROW):  # half of the border, and all four corners
        return True
    edge = sorted(data[:SIZE] + data[-SIZE:] + data[SIZE:-SIZE:SIZE] + data[2 * SIZE - 1 : -SIZE : SIZE])
    middle = len(edge) // 2
    return edge[middle - 1] + edge[middle] <= 2 * BORDER_LIMIT  # their mean is the median
