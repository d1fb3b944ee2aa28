"""MNIST's own convention: 28x28 pixels, light ink on dark, centred. What follows it already is fed as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 28
# A 28x28 image whose border is this dark follows MNIST's convention already; cropping it again costs accuracy, and a
# dark-on-white page has a border far above it.
BORDER_LIMIT = 20
# The strongest pixel of every digit of MNIST is 254 or 255; dim or blurred ones are read better when cropped.
FULL_STRENGTH = 200
# MNIST's digits have their centre of mass in the middle, within a rounding to whole pixels.
OFF_CENTRE = 1.5

_BLACK_ROW = bytes(SIZE)
_ROWS, _COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32).reshape(2, -1) - np.float32((SIZE - 1) / 2)
_PART = 256  # so many images' floats stay in a processor's cache: a third of the time
# From the pixels, row by row, to their sum and its moments about the middle.
_MOMENTS = np.stack([np.ones(SIZE * SIZE, np.float32), _ROWS, _COLUMNS], axis=1)


def pass_through(grey: NDArray[np.uint8], *, mnist: bool = False) -> NDArray[np.uint8] | None:
    """Return a grey image, uint8 ``[H, W]``, untouched if it is as MNIST's are or ``mnist`` says so; else None."""
    if grey.shape == (SIZE, SIZE) and (mnist or follows_mnist(grey.tobytes())):
        return grey
    return None


def follow_mnist(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return, for each of many images, uint8 ``[N, 28, 28]`` or ``[N, 28, 28, 1]``, what `follows_mnist` does."""
    rows = images.reshape(len(images), SIZE, SIZE)
    edge = np.concatenate([rows[:, 0], rows[:, -1], rows[:, 1:-1, 0], rows[:, 1:-1, -1]], axis=1)
    middle = edge.shape[1] // 2
    # The median is the mean of the two in the middle; most often both are on one side of the limit.
    below = np.count_nonzero(edge <= BORDER_LIMIT, axis=1)
    dark = below > middle
    split = np.flatnonzero(below == middle)
    ordered = np.partition(edge[split], (middle - 1, middle), axis=1)
    dark[split] = ordered[:, middle - 1].astype(int) + ordered[:, middle] <= 2 * BORDER_LIMIT
    flat = rows.reshape(len(images), -1)
    parts = [flat[at : at + _PART].astype(np.float32) @ _MOMENTS for at in range(0, len(flat), _PART)]
    total, down, right = np.concatenate([np.empty((0, 3), np.float32), *parts]).T
    centred = (np.abs(down) <= OFF_CENTRE * total) & (np.abs(right) <= OFF_CENTRE * total)
    found: NDArray[np.bool_] = (flat.max(axis=1, initial=0) >= FULL_STRENGTH) & dark & centred
    return found


def follows_mnist(data: bytes) -> bool:
    """Return whether a 28x28 image, row by row, is light on dark, in full strength, in the middle, and has a margin.

    It takes bytes, which are compared and counted in a tenth of the time that an array takes: this stands before every
    answer.
    """
    if not (255 in data or 254 in data or max(data) >= FULL_STRENGTH):
        return False
    if not (data.startswith(_BLACK_ROW) and data.endswith(_BLACK_ROW)):  # half of the border, and all four corners
        edge = sorted(data[:SIZE] + data[-SIZE:] + data[SIZE:-SIZE:SIZE] + data[2 * SIZE - 1 : -SIZE : SIZE])
        middle = len(edge) // 2
        if edge[middle - 1] + edge[middle] > 2 * BORDER_LIMIT:  # their mean is the median
            return False
    total, down, right = (np.frombuffer(data, np.uint8).astype(np.float32) @ _MOMENTS).tolist()
    return bool(abs(down) <= OFF_CENTRE * total and abs(right) <= OFF_CENTRE * total)
