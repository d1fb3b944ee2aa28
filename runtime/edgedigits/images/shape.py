"""Whether ink has the shape of a digit at all, before a network is asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.components import label
from edgedigits.images.glyph import perimeter, stroke_width
from edgedigits.images.rejection import Rejection
from edgedigits.images.sample import quantiles

# The box of a digit is filled at most so far; strokes of a bar, which is narrow, may fill theirs.
MAX_FILL = 0.85
NARROW = 0.5
# Strokes are no wider than this, measured by the longer side, unless the pixels are as coarse as the pen.
MAX_STROKE = 0.37
FINE = 20
# No digit is wider than this, measured by its height; a horizontal line is.
MAX_ASPECT = 2.5
# An 8 has two holes; smaller ones, as a share of the box, are where the pen skipped.
MAX_HOLES = 3
HOLE = 0.003
# Edges of ink are steeper: in pixels of the reduced picture, and as a share of the digit's longer side.
MAX_EDGE, MAX_EDGE_SHARE = 2.0, 0.06
# Ink fills no square whose side, measured by the longer side, is this many times the share of light that it takes.
BROAD = 1.1


def refuse_shape(strength: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Rejection | None:
    """Why this cannot be a digit, or None; ``strength`` and ``mask`` ``[h, w]`` are cropped to it."""
    height, width = mask.shape
    shorter, longer = sorted(mask.shape)
    fill = np.count_nonzero(mask) / mask.size
    if width > MAX_ASPECT * height:
        return Rejection("not_digit_like", {"width_by_height": width / height})
    if fill > MAX_FILL and shorter > NARROW * longer:
        return Rejection("too_much_ink", {"fill": fill})
    if longer >= FINE and (stroke := stroke_width(mask) / longer) > MAX_STROKE:
        return Rejection("too_much_ink", {"stroke_by_size": stroke})
    if (holes := count_holes(mask)) > MAX_HOLES:
        return Rejection("not_digit_like", {"holes": holes})
    if (edge := edge_width(strength)) > max(MAX_EDGE, MAX_EDGE_SHARE * longer):
        return Rejection("not_digit_like", {"edge_pixels": edge})
    return None


def refuse_shadow(mask: NDArray[np.bool_], absorbed: float) -> Rejection | None:
    """Why this is no ink of a pen, or None; ``mask`` ``[h, w]`` is cropped to it, ``absorbed`` the share of the light.

    Pale pens are thin and thick pens dark, but a shadow is pale and broad.
    """
    side = int(BROAD * absorbed * max(mask.shape)) + 1
    if not holds_square(mask, side):
        return None
    return Rejection("not_digit_like", {"absorbed": absorbed, "solid_by_size": side / max(mask.shape)})


def holds_square(mask: NDArray[np.bool_], side: int) -> bool:
    """Whether ink, bool ``[h, w]``, fills a square of ``side`` pixels anywhere."""
    if side > min(mask.shape):
        return False
    sums = np.pad(mask, ((1, 0), (1, 0))).cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
    filled = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return bool(filled.max() == side * side)


def count_holes(mask: NDArray[np.bool_]) -> int:
    """Paper enclosed by ink, bool ``[h, w]``: how many pieces larger than a speck."""
    pieces = label(np.pad(~mask, 1, constant_values=True))
    return int(np.count_nonzero(pieces.areas >= max(2, HOLE * mask.size))) - 1


def edge_width(strength: NDArray[np.uint8]) -> float:
    """Mean width in pixels over which the strength falls from 70 to 30 % of the strong ink: shadows fall slowly."""
    full = quantiles(strength[strength > strength.max() // 2], 0.75)[0]
    soft = np.count_nonzero(strength > 0.3 * full) - np.count_nonzero(strength > 0.7 * full)
    return float(soft) / max(perimeter(strength > 0.5 * full), 1.0)
