"""Targets: what the maps of a detector should show for the characters of a picture.

The maps are those of X. Zhou, D. Wang, P. Kraehenbuehl, "Objects as Points", 2019 (CenterNet): for each class a peak
at every object's middle, and beside it the size of its box and where exactly the middle is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgedigits_train.scenes.sheet import MARK, OTHER, Truth

Maps = NDArray[np.float16]

# The maps have one cell for so many pixels along each side.
STRIDE = 4
# The classes: ten digits and the marks.
CLASSES = MARK + 1
# The channels of a target: the classes, height, width, down, right, where these are given, and what counts.
HEIGHT, WIDTH, DOWN, RIGHT, GIVEN, COUNTED = range(CLASSES, CLASSES + 6)
CHANNELS = CLASSES + 6
# Digits of these heights in pixels are to be found; smaller and larger ones belong to other scales of the picture.
SMALLEST, LARGEST = 12.0, 48.0
# The height whose logarithm is 0.
UNIT = 24.0
# Where less than this share of a character is in the picture, finding it is neither right nor wrong.
_WHOLE = 0.82
_GONE = 0.25


def make_targets(truths: Sequence[Truth], shape: tuple[int, int]) -> Maps:
    """Return the target maps of a picture ``shape`` (height, width), float16 ``[height / 4, width / 4, CHANNELS]``."""
    maps = np.zeros((shape[0] // STRIDE, shape[1] // STRIDE, CHANNELS), np.float16)
    maps[..., COUNTED] = 1
    wanted = [truth for truth in truths if truth.label != OTHER and truth.visible >= _GONE]
    clear = [truth.visible >= _WHOLE and SMALLEST <= truth.height <= LARGEST for truth in wanted]
    for truth, is_clear in zip(wanted, clear, strict=True):
        if not is_clear:
            _ignore(maps, truth)
    for truth, is_clear in zip(wanted, clear, strict=True):
        if is_clear:
            _mark(maps, truth)
    return maps


def _ignore(maps: Maps, truth: Truth) -> None:
    """Let the cells under a character count for nothing."""
    top, left, bottom, right = (side / STRIDE for side in truth.box)
    rows = slice(max(0, int(top)), int(np.ceil(bottom)))
    maps[rows, max(0, int(left)) : int(np.ceil(right)), COUNTED] = 0


def _mark(maps: Maps, truth: Truth) -> None:
    """Draw a character's peak and its box."""
    top, left, bottom, right = truth.box
    high, wide = max(bottom - top, 2.0), max(right - left, 2.0)
    y, x = (top + bottom) / 2 / STRIDE - 0.5, (left + right) / 2 / STRIDE - 0.5
    rows, columns = np.arange(maps.shape[0]), np.arange(maps.shape[1])
    row, column = int(np.clip(round(y), 0, len(rows) - 1)), int(np.clip(round(x), 0, len(columns) - 1))
    spread_y, spread_x = (0.5 + 0.09 * side / STRIDE for side in (high, wide))
    peak = np.exp(
        -0.5 * ((rows - row) / spread_y)[:, np.newaxis] ** 2 - 0.5 * ((columns - column) / spread_x)[np.newaxis] ** 2
    )
    near = slice(max(0, row - 6), row + 7), slice(max(0, column - 6), column + 7)
    heat = maps[(*near, truth.label)]
    np.maximum(heat, peak[near], out=heat, casting="unsafe")
    given = near[0].start + np.argwhere(peak[near] > 0.6)[:, 0], near[1].start + np.argwhere(peak[near] > 0.6)[:, 1]
    maps[(*given, HEIGHT)], maps[(*given, WIDTH)] = np.log(high / UNIT), np.log(wide / UNIT)
    maps[(*given, DOWN)], maps[(*given, RIGHT)] = y - given[0], x - given[1]
    maps[(*given, GIVEN)] = 1
