"""Local contrast: how much lighter or darker a pixel is than its surroundings, measured by how much those vary.

Light, shadow and the choice of ink and paper disappear; dark ink on light paper and the reverse differ in sign alone.
The method is local contrast normalization: K. Jarrett et al., "What is the best multi-stage architecture for object
recognition?", ICCV 2009, here with a square window instead of a Gaussian one.
"""

from __future__ import annotations

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


def local_contrast(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the local contrast of a grey picture, uint8 ``[H, W]``, as uint8 ``[H, W]`` around `NONE`."""
    levels = grey.astype(np.float32)
    mean, square = _surroundings(levels), _surroundings(levels * levels)
    np.subtract(square, mean * mean, out=square)
    np.sqrt(np.maximum(square, 0, out=square), out=square)
    gain = _enlarged(STEPS / (square + np.float32(FLOOR)), grey.shape)
    levels -= _enlarged(mean, grey.shape)
    levels *= gain
    levels += NONE + 0.5
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


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
