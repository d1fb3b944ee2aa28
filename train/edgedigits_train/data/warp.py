"""Sampling of many small images at once, each at its own coordinates: bilinear, with black outside.

The four neighbours of a point are packed into one 32-bit word, so that a pixel costs one look-up instead of four, and
they are blended two at a time in the halves of the word. Coordinates are fixed-point numbers: whole 256ths of a pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Arrays of this many small images stay in the processor's cache, and are small enough for their memory to be reused.
_CHUNK = 32
_ONE = 256
_LOW, _HALVES = np.uint32(0xFFFF), np.uint32(0x00FF00FF)
_8, _16 = np.uint32(8), np.uint32(16)


def warp(
    images: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32], basis: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return each image sampled at the columns ``x @ basis`` and the rows ``y @ basis``, as float32 0-255.

    Images are uint8 ``[N, H, W, C]``, ``x`` and ``y`` are ``[N, K]``, ``basis`` is ``[K, H * W]``.
    """
    count, height, width, channels = images.shape
    moved = np.empty((count, height * width, channels), np.float32)
    # The offset is the border of one pixel that `_neighbours` adds, and a half for rounding.
    fine, border = basis * np.float32(_ONE), np.float32(_ONE + 0.5)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        column, row = _fixed_point(x[part] @ fine + border, width), _fixed_point(y[part] @ fine + border, height)
        places = (row >> 8) * (width + 2) + (column >> 8)
        places += np.arange(len(places), dtype=np.int32)[:, np.newaxis] * np.int32((height + 2) * (width + 2))
        right, down = (value.view(np.uint32) & np.uint32(_ONE - 1) for value in (column, row))
        left, up = np.uint32(_ONE) - right, np.uint32(_ONE) - down
        for channel in range(channels):
            words = _neighbours(images[part, ..., channel]).take(places, mode="clip")
            # One multiplication blends the pixels above the point and those below it.
            pair = (words & _HALVES) * left + ((words >> _8) & _HALVES) * right
            blended = (pair & _LOW) * up + (pair >> _16) * down
            np.multiply(blended, np.float32(1 / _ONE**2), out=moved[part, :, channel], casting="unsafe")
    return moved.reshape(count, height, width, channels)


def _fixed_point(values: NDArray[np.float32], size: int) -> NDArray[np.int32]:
    """Return coordinates as integers; one outside of the border is moved onto it, where everything is black."""
    whole = values.astype(np.int32)
    np.maximum(whole, 0, out=whole)
    return np.minimum(whole, _ONE * (size + 1), out=whole)


def _neighbours(grey: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return one word for each pixel of the bordered images: the pixel, right, below and below right, a byte each."""
    count, height, width = grey.shape
    # The array is longer than the images, so that the last pixel has neighbours, too.
    bordered = np.zeros((count * (height + 2) + 2, width + 2), np.uint16)
    bordered[: count * (height + 2)].reshape(count, height + 2, width + 2)[:, 1:-1, 1:-1] = grey
    flat = bordered.ravel()
    pairs = (flat[:-1] | (flat[1:] << np.uint16(8))).astype(np.uint32)
    below = width + 2
    return pairs[:-below] | (pairs[below:] << _16)
