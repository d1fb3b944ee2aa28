"""Whether ink has the shape of a digit at all, before a network is asked."""

from __future__ import annotations

import math

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
# No square of ink without paper in it is larger, measured likewise: a shadow or a thumb is, where it is widest. Both
# have soft edges; where edges are sharper than this, in pixels, it is a binary scan, whose pens may be thick.
MAX_SOLID = 0.46
SHARP = 0.1
# No digit is wider than this, measured by its height; a horizontal line is.
MAX_ASPECT = 2.5
# An 8 has two holes; smaller ones, as a share of the box, are where the pen skipped.
MAX_HOLES = 3
HOLE = 0.003
# Edges of ink are steeper: in pixels of the reduced picture, and as a share of the digit's longer side.
MAX_EDGE, MAX_EDGE_SHARE = 1.8, 0.056


def refuse_shape(strength: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Rejection | None:
    """Why this cannot be a digit, or None; ``strength`` and ``mask`` ``[h, w]`` are cropped to it."""
    height, width = mask.shape
    edge = edge_width(strength)
    if width > MAX_ASPECT * height:
        return Rejection("not_digit_like", {"width_by_height": width / height})
    if full := _overfull(mask, soft=edge > SHARP):
        return Rejection("too_much_ink", full)
    if (holes := count_holes(mask)) > MAX_HOLES:
        return Rejection("not_digit_like", {"holes": holes})
    if edge > max(MAX_EDGE, MAX_EDGE_SHARE * max(height, width)):
        return Rejection("not_digit_like", {"edge_pixels": edge})
    return None


def _overfull(mask: NDArray[np.bool_], *, soft: bool) -> dict[str, float]:
    """What was measured where the ink is too much for strokes of a pen; nothing where it is not."""
    shorter, longer = sorted(mask.shape)
    fill = np.count_nonzero(mask) / mask.size
    if fill > MAX_FILL and shorter > NARROW * longer:
        return {"fill": fill}
    if longer < FINE:
        return {}
    if (stroke := stroke_width(mask) / longer) > MAX_STROKE:
        return {"stroke_by_size": stroke}
    side = math.ceil(MAX_SOLID * longer)
    return {"solid_by_size": side / longer} if soft and holds_square(mask, side) else {}


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
