"""Local contrast: how much lighter or darker a pixel is than its surroundings, measured by how much those vary.

Light, shadow and the choice of ink and paper disappear; dark ink on light paper and the reverse differ in sign alone.
The method is local contrast normalization: K. Jarrett et al., "What is the best multi-stage architecture for object
recognition?", ICCV 2009, here with a square window instead of a Gaussian one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

NONE = 128  # the level that means no contrast
STEPS = 32  # levels for one standard deviation
# Added to the standard deviation, in grey levels: fainter variation than this is noise of the sensor.
FLOOR = 6.0
# Mean and deviation are those of cells of CELL pixels, in a window that reaches REACH cells to each side.
CELL, REACH = 4, 8
_BAND = 1 << 19  # pixels that are worked on at a time
# Up to so many pixels a side, multiplying with whole matrices takes a fifth of the time of going over windows.
_SMALL = 256


def local_contrast(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the local contrast of a grey picture, uint8 ``[H, W]``, as uint8 ``[H, W]`` around `NONE`."""
    if max(grey.shape) <= _SMALL:
        return _of_small(grey)
    levels, squares = _cells(grey)
    mean, gain = _mean_and_gain(_surroundings(levels), _surroundings(squares))
    contrast = np.empty_like(grey)
    for rows in _bands(grey.shape):
        levels = grey[rows].astype(np.float32)
        inside = _enlarged(mean, rows, grey.shape[1]), _enlarged(gain, rows, grey.shape[1])
        contrast[rows] = _levels(levels, *inside)
    return contrast


def _of_small(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    levels = grey.astype(np.float32)
    mean, gain = _mean_and_gain(_averaged(levels), _averaged(levels * levels))
    return _levels(levels, _interpolated(mean, grey.shape), _interpolated(gain, grey.shape)).astype(np.uint8)


def _mean_and_gain(mean: Floats, square: Floats) -> tuple[Floats, Floats]:
    np.subtract(square, mean * mean, out=square)
    np.sqrt(np.maximum(square, 0, out=square), out=square)
    return mean, STEPS / (square + np.float32(FLOOR))


def _levels(levels: Floats, mean: Floats, gain: Floats) -> Floats:
    levels -= mean
    levels *= gain
    levels += NONE + 0.5
    return np.clip(levels, 0, 255, out=levels)


def _averaged(values: Floats) -> Floats:
    """Do what `_surroundings` does, which is linear, first along one side, then along the other."""
    (down, _), (across, _) = (_matrices(side) for side in values.shape)
    return (down @ values @ across.T).astype(np.float32)


def _interpolated(cells: Floats, shape: tuple[int, ...]) -> Floats:
    """Do what `_enlarged` does, which is linear, too."""
    (_, down), (_, across) = (_matrices(side) for side in shape)
    return (down @ cells @ across.T).astype(np.float32)


@lru_cache(maxsize=32)
def _matrices(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrices from a line's pixels to the means around its cells, and from its cells to its pixels.

    Processors add up in different orders: in float64 that cannot be seen in the result.
    """
    count = -(-side // CELL)
    pixels, cells = (Image.fromarray(np.eye(size, dtype=np.float32)) for size in (side, count))
    at = np.arange(count)
    near = np.abs(at[:, np.newaxis] - at) <= REACH
    averaged = near / near.sum(axis=1, keepdims=True) @ np.asarray(pixels.reduce((1, CELL)))
    enlarged = cells.resize((count, side), Image.Resampling.BILINEAR, (0, 0, count, side / CELL))
    return averaged, np.asarray(enlarged, np.float64)


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of bands of whole cells: numbers of four bytes for all pixels would be most of the memory."""
    height, width = shape
    rows = CELL * max(1, _BAND // (CELL * width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _cells(grey: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return the means of cells, and of the cells' squares."""
    means, squares = [], []
    for rows in _bands(grey.shape):
        levels = grey[rows].astype(np.float32)
        means.append(np.asarray(Image.fromarray(levels).reduce(CELL)))
        squares.append(np.asarray(Image.fromarray(levels * levels).reduce(CELL)))
    return np.concatenate(means), np.concatenate(squares)


def _surroundings(values: Floats) -> Floats:
    """Return the mean of the window around each cell, as far as the window lies inside the picture."""
    cells = np.asarray(values, np.float64)
    for _ in range(2):
        sums = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0)])
        at = np.arange(len(cells))
        first, last = np.maximum(at - REACH, 0), np.minimum(at + REACH + 1, len(cells))
        cells = ((sums[last] - sums[first]) / (last - first)[:, np.newaxis]).T
    return cells.astype(np.float32)


def _enlarged(cells: Floats, rows: slice, width: int) -> Floats:
    inside = (0, rows.start / CELL, width / CELL, rows.stop / CELL)
    size = (width, rows.stop - rows.start)
    return np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BILINEAR, inside))
