"""Many small images moved at once, each in its own way: bilinear, black outside.

The four neighbours of a point are packed into one 32-bit word, so that a pixel costs one look-up instead of four, and
blended two at a time in the halves of the word. Where a point lies is counted in whole 256ths of a pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Arrays of so many small images stay in the processor's cache, and below the size where memory is fetched anew.
_CHUNK = 32
_ONE = 256
_LOW, _HALVES = np.uint32(0xFFFF), np.uint32(0x00FF00FF)
_8, _16 = np.uint32(8), np.uint32(16)


def warp(
    images: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32], basis: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Read each image at the columns ``x @ basis`` and the rows ``y @ basis`` (``[N, K]``, ``[K, H * W]``).

    Images are uint8 ``[N, H, W, C]``; what comes back is float32, 0-255.
    """
    count, height, width, channels = images.shape
    moved = np.empty((count, height * width, channels), np.float32)
    # Moved by the border of one pixel that `_neighbours` puts around, and by a half to be rounded.
    fine, border = basis * np.float32(_ONE), np.float32(_ONE + 0.5)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        column, row = _whole(x[part] @ fine + border, width), _whole(y[part] @ fine + border, height)
        places = (row >> 8) * (width + 2) + (column >> 8)
        places += np.arange(len(places), dtype=np.int32)[:, np.newaxis] * np.int32((height + 2) * (width + 2))
        right, down = (value.view(np.uint32) & np.uint32(_ONE - 1) for value in (column, row))
        left, up = np.uint32(_ONE) - right, np.uint32(_ONE) - down
        for channel in range(channels):
            words = _neighbours(images[part, ..., channel]).take(places, mode="clip")
            # Above and below the point, in one go.
            pair = (words & _HALVES) * left + ((words >> _8) & _HALVES) * right
            blended = (pair & _LOW) * up + (pair >> _16) * down
            np.multiply(blended, np.float32(1 / _ONE**2), out=moved[part, :, channel], casting="unsafe")
    return moved.reshape(count, height, width, channels)


def _whole(values: NDArray[np.float32], size: int) -> NDArray[np.int32]:
    """Coordinates as whole numbers; what is farther out than the border counts as on it, so black."""
    whole = values.astype(np.int32)
    np.maximum(whole, 0, out=whole)
    return np.minimum(whole, _ONE * (size + 1), out=whole)


def _neighbours(grey: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """For each pixel of the bordered images ``[N, H, W]``, in a row: itself, right, below, right below, a byte each."""
    count, height, width = grey.shape
    # One line more than needed: there is something right of and below the last pixel, too.
    bordered = np.zeros((count * (height + 2) + 2, width + 2), np.uint16)
    bordered[: count * (height + 2)].reshape(count, height + 2, width + 2)[:, 1:-1, 1:-1] = grey
    flat = bordered.ravel()
    pairs = (flat[:-1] | (flat[1:] << np.uint16(8))).astype(np.uint32)
    below = width + 2
    return pairs[:-below] | (pairs[below:] << _16)
