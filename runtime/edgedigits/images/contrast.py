"""Local contrast: how much lighter or darker a pixel is than its surroundings, measured by how much those vary.

Light, shadow and the choice of ink and paper disappear; dark ink on light paper and the reverse differ in sign alone.
The method is local contrast normalization: K. Jarrett et al., "What is the best multi-stage architecture for object
recognition?", ICCV 2009, here with a square window instead of a Gaussian one.
"""

from __future__ import annotations

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


# Up to so many pixels a side, multiplying with whole matrices takes a fifth of the time of going over windows.
_SMALL = 256


def local_contrast(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the local contrast of a grey picture, uint8 ``[H, W]``, as uint8 ``[H, W]`` around `NONE`."""
    small = max(grey.shape) <= _SMALL
    levels = grey.astype(np.float32)
    around = _averaged if small else _surroundings
    mean, square = around(levels), around(levels * levels)
    np.subtract(square, mean * mean, out=square)
    np.sqrt(np.maximum(square, 0, out=square), out=square)
    enlarged = _interpolated if small else _enlarged
    gain = enlarged(STEPS / (square + np.float32(FLOOR)), grey.shape)
    levels -= enlarged(mean, grey.shape)
    levels *= gain
    levels += NONE + 0.5
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


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


def _surroundings(values: Floats) -> Floats:
    """Return the mean of the window around each cell, as far as the window lies inside the picture."""
    cells = np.asarray(Image.fromarray(values).reduce(CELL), np.float64)
    for _ in range(2):
        sums = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0)])
        at = np.arange(len(cells))
        first, last = np.maximum(at - REACH, 0), np.minimum(at + REACH + 1, len(cells))
        cells = ((sums[last] - sums[first]) / (last - first)[:, np.newaxis]).T
    return cells.astype(np.float32)


def _enlarged(cells: Floats, shape: tuple[int, ...]) -> Floats:
    height, width = shape
    whole = (0, 0, width / CELL, height / CELL)
    return np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR, whole))
