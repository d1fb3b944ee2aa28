"""Lines of a form or a grid around one character, taken out of its ink where it touches them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.components import find_runs
from edgedigits.images.paper import Ink

# Lines are looked for in this share of the picture along each edge; further in, a long line may be a stroke.
ZONE = 0.25
# Shortest line and thickest, as shares of the side along it and across.
LENGTH = 0.6
THICKNESS = 0.12

Mask = NDArray[np.bool_]


def remove_frame(ink: Ink) -> Ink:
    """The same ink without long thin lines near the picture's edges; what a stroke crosses of them stays."""
    gone = _lines(ink.mask) | _lines(ink.mask.T).T
    if not gone.any():
        return ink
    return replace(ink, mask=ink.mask & ~gone, strength=np.where(gone, np.uint8(0), ink.strength))


def _lines(mask: Mask) -> Mask:
    """Pixels of lines along the rows in the upper and lower zone."""
    height, width = mask.shape
    zone = int(ZONE * height)
    gone = np.zeros_like(mask)
    if zone < 2:
        return gone
    near = mask.copy()
    near[zone:-zone] = False
    # Two rows more on each side, so that a line that slopes a little is one run.
    thick = np.lib.stride_tricks.sliding_window_view(np.pad(near, ((2, 2), (0, 0))), 5, axis=0).any(axis=-1)
    runs = find_runs(thick)
    long = runs.length >= LENGTH * width
    if not long.any():
        return gone
    for row, start, end in zip(runs.row[long], runs.start[long], runs.end[long], strict=True):
        gone[max(row - 2, 0) : row + 3, start:end] = True
    across = find_runs(np.ascontiguousarray(mask.T))
    thin = np.zeros_like(mask.T)
    limit = max(3, round(THICKNESS * height))
    keep = across.length <= limit
    thin[np.repeat(across.row[keep], across.length[keep]), _positions(across.start[keep], across.length[keep])] = True
    found: Mask = gone & mask & thin.T
    return found


def _positions(start: NDArray[np.intp], length: NDArray[np.intp]) -> NDArray[np.intp]:
    """All pixels of runs, one after the other."""
    return np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length) + np.repeat(start, length)
