"""Local contrast: how much lighter or darker a pixel is than its surroundings, measured by how much those vary.

Light, shadow and the choice of ink and paper disappear; dark ink on light paper and the reverse differ in sign alone.
The method is local contrast normalization: K. Jarrett et al., "What is the best multi-stage architecture for object
recognition?", ICCV 2009, here with a square window instead of a Gaussian one.
"""

from __future__ import annotations

from collections.abc import Iterator

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


def local_contrast(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the local contrast of a grey picture, uint8 ``[H, W]``, as uint8 ``[H, W]`` around `NONE`."""
    levels, squares = _cells(grey)
    mean = _surroundings(levels)
    variance = np.maximum(_surroundings(squares) - mean * mean, 0)
    gain = STEPS / (np.sqrt(variance) + np.float32(FLOOR))
    contrast = np.empty_like(grey)
    for rows in _bands(grey.shape):
        levels = grey[rows].astype(np.float32)
        levels -= _enlarged(mean, rows, grey.shape[1])
        levels *= _enlarged(gain, rows, grey.shape[1])
        levels += NONE + 0.5
        contrast[rows] = np.clip(levels, 0, 255, out=levels)
    return contrast


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
