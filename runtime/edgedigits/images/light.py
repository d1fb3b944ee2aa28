"""How bright the paper is at every point, whatever lies on it.

Of a photograph: a morphological closing (J. Serra, "Image Analysis and Mathematical Morphology", 1982). Strokes are
narrower than its window and vanish, light and shadow are wider and stay. It works on a coarse grid, so its cost does
not grow with the picture. Of a picture the size of a single character, whose strokes can be as wide as any window:
the plane through the pixels on the paper's side of Otsu's threshold (N. Otsu, "A threshold selection method from
gray-level histograms", IEEE Trans. SMC 9 (1979)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Shorter side of the grid on which light is estimated, in cells.
GRID = 24
# Pictures with a shorter side than this are taken for scans of one character.
SMALL = 56
# Neighbouring cells of which one has less than this share of the other's light are not one sheet in one light.
STEEP = 0.5
# Paper is this near to its plane, as a share of how far the darkest ink is from it.
NEAR = 0.4
# Below so many pixels there is too little paper between the strokes to tell.
LEAST_PLANE = 24

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper without its ink.

    Attributes
    ----------
    brightness: grey levels, float32 ``[h, w]``.
    broken: bool ``[h, w]``, where it is not one surface: around the edge of a sheet, of a screen, of a deep shadow.

    """

    brightness: Floats
    broken: NDArray[np.bool_]


def find_paper(levels: NDArray[np.uint8], stroke: float) -> Paper:
    """The paper under dark ink, uint8 ``[h, w]``; ``stroke`` is the widest, as a share of the shorter side."""
    if min(levels.shape) < SMALL:
        return Paper(_plane(levels), np.zeros(levels.shape, np.bool_))
    cell = grid_cell(levels.shape)
    closed = slide(
        slide(pool(levels, cell), window(levels.shape, stroke), np.maximum), window(levels.shape, stroke), np.minimum
    )
    steep = slide(closed, 3, np.minimum) < STEEP * slide(closed, 3, np.maximum)
    broken = enlarge(steep.astype(np.float32), levels.shape) > 0 if steep.any() else np.zeros(levels.shape, np.bool_)
    return Paper(enlarge(closed, levels.shape), broken)


def strongest_around(strength: Floats, stroke: float) -> Floats:
    """The greatest strength in the same window around every point, float32 ``[h, w]``."""
    if min(strength.shape) < SMALL:
        return np.full(strength.shape, strength.max(), np.float32)
    greatest = slide(pool(strength, grid_cell(strength.shape)), window(strength.shape, stroke), np.maximum)
    return enlarge(greatest, strength.shape)


def otsu(grey: NDArray[np.uint8]) -> int:
    """The threshold that separates two classes of grey best: class two is ``> threshold``."""
    counts = np.bincount(grey.reshape(-1), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = sums / below - (sums[-1] - sums) / above
        between = np.nan_to_num(below * above * distance**2)
    best = np.flatnonzero(between == between.max())
    return int(best[len(best) // 2])  # a gap between the classes gives a plateau: its middle


def _plane(levels: NDArray[np.uint8]) -> Floats:
    height, width = levels.shape
    rows, columns = np.mgrid[:height, :width]
    terms = np.stack([np.ones(levels.size), rows.reshape(-1), columns.reshape(-1)], axis=-1)
    values = levels.reshape(-1).astype(np.float64)
    paper = values > otsu(levels)
    if not paper.any():
        return np.full(levels.shape, levels.max(), np.float32)
    plane = values
    for _ in range(3 if min(levels.shape) >= LEAST_PLANE else 1):
        plane = terms @ np.linalg.lstsq(terms[paper], values[paper], rcond=None)[0]
        # Where light falls off, Otsu's threshold leaves out the darker paper; what is near the plane is paper, too.
        near = values > plane - NEAR * (plane - values).max()
        paper = near if np.count_nonzero(near) >= 3 else paper
    return np.clip(plane, 0, 255).reshape(height, width).astype(np.float32)


def grid_cell(shape: tuple[int, ...]) -> int:
    """Side of a cell of the grid, pixels."""
    return max(2, min(shape) // GRID)


def window(shape: tuple[int, ...], stroke: float) -> int:
    """Width of the window, an odd count of cells."""
    return int(np.ceil(stroke * min(shape) / grid_cell(shape))) | 1


def pool(values: NDArray[Any], cell: int) -> Floats:
    """The greatest of each cell; those at the right and lower end may be smaller."""
    rows = np.maximum.reduceat(values, np.arange(0, values.shape[0], cell), axis=0)
    return np.maximum.reduceat(rows, np.arange(0, values.shape[1], cell), axis=1).astype(np.float32)


def slide(values: Floats, window: int, extreme: np.ufunc) -> Floats:
    """The greatest, or least, in a square window around every cell, as far as it lies inside."""
    for _ in range(2):
        found = values.copy()
        for step in range(1, min(window // 2, len(values) - 1) + 1):
            extreme(found[step:], values[:-step], out=found[step:])
            extreme(found[:-step], values[step:], out=found[:-step])
        values = found.T
    return values


def enlarge(grid: Floats, shape: tuple[int, ...]) -> Floats:
    """A grid's values at every pixel of ``shape``, bilinear."""
    if grid.shape == shape:
        return grid
    return np.asarray(Image.fromarray(grid).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
