"""Ink that comes in from a picture's edges: rulings from side to side, frames, stripes, a neighbour cut off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.components import Components
from edgedigits.images.light import SMALL
from edgedigits.images.shape import MAX_FILL

# Ink whose pixels lie for the most part this near to an edge, as a share of the side, is a frame or a neighbour's.
MARGIN = 0.14
IN_MARGIN = 0.7
LONG = 0.5
# A tightly cropped digit meets the edges in no more places.
MAX_CONTACTS = 6
# Ink that touches an edge along more than this share of its own size was cut off there.
MAX_CUT = 0.5


def from_edges(parts: Components) -> NDArray[np.bool_]:
    """Components that are no part of what a picture shows, bool ``[N]``."""
    height, width = parts.labels.shape
    top, left, bottom, right = parts.boxes.T
    sides = (top == 0).astype(int) + (left == 0) + (bottom == height) + (right == width)
    touching = sides > 0
    rows, columns = max(1, round(MARGIN * height)), max(1, round(MARGIN * width))
    inside = np.bincount(parts.labels[rows:-rows, columns:-columns].reshape(-1), minlength=len(parts) + 1)[1:]
    near = 1 - inside / parts.areas >= IN_MARGIN
    contacts = _contacts(parts) > MAX_CONTACTS
    thick = np.minimum((bottom - top) / height, (right - left) / width)
    # Cells of a form have their lines near their edges even where the cut did not hit them.
    long = np.maximum((bottom - top) / height, (right - left) / width) >= LONG
    across = ((left == 0) & (right == width)) | ((top == 0) & (bottom == height))
    # One tightly cropped digit may touch every side; several that do are stripes, or what a cut left of other things.
    many = np.count_nonzero(sides > 1) > (1 if min(height, width) >= SMALL else 2)
    bar = (sides > 2) & (parts.areas > MAX_FILL * (bottom - top) * (right - left))
    # A round digit cut out closely lies near the edges, too, but leaves the corners free.
    ring = (sides == 4) & ~_in_corners(parts, rows, columns)
    framing = near & (touching | long) & ~ring
    # Where there is a frame, what lies near it are pieces of it.
    framing |= near & framing.any()
    ruling = across & (thick < MARGIN)
    outside: NDArray[np.bool_] = framing | ruling | bar | contacts | (many & (sides > 1)) | _cut_off(parts, sides)
    return outside


def _in_corners(parts: Components, rows: int, columns: int) -> NDArray[np.bool_]:
    """Components with ink in a corner, a third as large as the margin."""
    high, wide = max(1, rows // 3), max(1, columns // 3)
    labels = parts.labels
    corners = (labels[:high, :wide], labels[:high, -wide:], labels[-high:, :wide], labels[-high:, -wide:])
    inked = np.unique(np.concatenate([corner.reshape(-1) for corner in corners]))
    found: NDArray[np.bool_] = np.isin(np.arange(1, len(parts) + 1), inked)
    return found


def _cut_off(parts: Components, sides: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Components that go on beyond one or two sides of a picture, whose part of the edge they fill."""
    labels, (height, width) = parts.labels, parts.labels.shape
    if min(height, width) < SMALL:
        return np.zeros(len(parts), np.bool_)
    top, left, bottom, right = parts.boxes.T
    tall, wide = bottom - top, right - left
    share = np.zeros(len(parts))
    for edge, extent in ((labels[0], wide), (labels[-1], wide), (labels[:, 0], tall), (labels[:, -1], tall)):
        share = np.maximum(share, np.bincount(edge, minlength=len(parts) + 1)[1:] / extent)
    opposite = ((top == 0) & (bottom == height)) | ((left == 0) & (right == width))
    cut: NDArray[np.bool_] = (sides > 0) & ~opposite & (share > MAX_CUT)
    return cut


def _contacts(parts: Components) -> NDArray[np.intp]:
    """How often each component meets the picture's edges, intp ``[N]``: lines of a grid do each for itself."""
    labels = parts.labels
    ring = np.concatenate([labels[0], labels[1:, -1], labels[-1, -2::-1], labels[-2:0:-1, 0]])
    starts = ring[ring != np.roll(ring, 1)]
    return np.bincount(starts, minlength=len(parts) + 1)[1:]
