"""Pieces of ink that a digit is put together from: components, and components cut where digits may touch.

A cut is a straight line, upright or slanted, across as little ink as possible: over-segmentation, of which the reader
later chooses (R. G. Casey, E. Lecolinet, "A survey of methods and strategies in character segmentation", IEEE Trans.
PAMI 18 (1996), III).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.glyph import feed_glyph
from edgedigits.images.normalised import Box
from edgedigits.pages.sheet import Sheet

Mask = NDArray[np.bool_]

# Slants of cuts: columns a row to the left going down.
SLANTS = np.linspace(-0.6, 0.6, 9)
# In digit heights: how far cuts stay from the ends and from each other, and how much ink they may cross.
MARGIN = 0.14
SPACING = 0.12
MOST_INK = 0.7
# Digits that touch do so in one place; a cut through a 0 or an 8 crosses two strokes or three. Each after the first
# counts as this much ink more, in digit heights.
STROKE_INK = 0.3


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of ink.

    Attributes
    ----------
    box: top, left, bottom, right on the sheet.
    mask: bool ``[h, w]``, its pixels in that box.
    part: index of its component.
    joint: pixels of ink that the cut on its left crosses, more for several strokes; 0 where a component begins.

    """

    box: Box
    mask: Mask
    part: int
    joint: float


def whole(sheet: Sheet, part: int) -> Piece:
    """A component as it is."""
    top, left, bottom, right = (int(value) for value in sheet.components.boxes[part])
    mask = sheet.components.labels[top:bottom, left:right] == part + 1
    return Piece((top, left, bottom, right), mask, part, 0.0)


def cut(piece: Piece, height: float) -> list[Piece]:
    """The piece from left to right in parts, between the likeliest cuts; ``height`` is that of the line's digits."""
    cuts = _cuts(piece.mask, height)
    if not cuts:
        return [piece]
    rows, columns = np.indices(piece.mask.shape)
    middle = (piece.mask.shape[0] - 1) / 2
    # Right of how many cuts a pixel lies.
    side = np.zeros(piece.mask.shape, np.intp)
    for place, slant, _ in cuts:
        side += columns > place - slant * (rows - middle)
    parts = []
    joints = [0.0, *[ink for _, _, ink in cuts]]
    for number, joint in enumerate(joints):
        mask = piece.mask & (side == number)
        if mask.any():
            parts.append(_trimmed(piece, mask, joint))
    return parts


def _trimmed(piece: Piece, mask: Mask, joint: float) -> Piece:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    box = (int(piece.box[0] + top), int(piece.box[1] + left), int(piece.box[0] + bottom), int(piece.box[1] + right))
    return Piece(box, mask[top:bottom, left:right], piece.part, joint)


def _cuts(mask: Mask, height: float) -> list[tuple[float, float, float]]:
    """Where cuts cross the middle row, their slant, and the ink they cross, from left to right."""
    tall, wide = mask.shape
    margin = max(2, round(MARGIN * height))
    places = np.arange(margin, wide - margin)
    if not len(places):
        return []
    rows = np.arange(tall)
    columns = np.rint(places - SLANTS[:, None, None] * (rows[:, None] - (tall - 1) / 2)).astype(np.intp)
    inside = (columns >= 0) & (columns < wide)
    met = mask[rows[:, None], np.clip(columns, 0, wide - 1)] & inside
    strokes = met[:, 0].astype(np.intp) + (met[:, 1:] & ~met[:, :-1]).sum(axis=1)
    crossed = met.sum(axis=1) + STROKE_INK * height * np.maximum(strokes - 1, 0)
    # Upright rather than slanted where both are as good.
    slant = (crossed + 0.5 * np.abs(SLANTS)[:, None]).argmin(axis=0)
    return _valleys(places, SLANTS[slant], crossed[slant, np.arange(len(places))], height)


def _valleys(
    places: NDArray[np.intp], slants: NDArray[np.float64], ink: NDArray[np.float64], height: float
) -> list[tuple[float, float, float]]:
    """The lowest places first, none near one that was taken."""
    chosen: list[int] = []
    spacing = max(2.0, SPACING * height)
    for index in np.argsort(ink, kind="stable"):
        if ink[index] > MOST_INK * height:
            break
        if all(abs(places[index] - places[other]) >= spacing for other in chosen):
            # The middle of a level valley, not its left end.
            chosen.append(_middle(ink, int(index)))
    chosen.sort()
    return [(float(places[i]), float(slants[i]), float(ink[i])) for i in chosen]


def _middle(ink: NDArray[np.float64], index: int) -> int:
    end = index
    while end + 1 < len(ink) and ink[end + 1] == ink[index]:
        end += 1
    return (index + end) // 2


def box_around(pieces: list[Piece]) -> Box:
    """The box that holds all of the pieces."""
    tops, lefts, bottoms, rights = zip(*(piece.box for piece in pieces), strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def glyph(sheet: Sheet, pieces: list[Piece]) -> NDArray[np.uint8]:
    """What the model is fed for a digit made of these pieces, uint8 ``[28, 28]``."""
    top, left, bottom, right = box_around(pieces)
    own = np.zeros((bottom - top + 2, right - left + 2), bool)
    for piece in pieces:
        row, column = piece.box[0] - top + 1, piece.box[1] - left + 1
        own[row : row + piece.mask.shape[0], column : column + piece.mask.shape[1]] |= piece.mask
    # One pixel more around: the soft edge of the stroke, which the threshold cut through; but no other ink.
    around = (slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1))
    labels, strength = sheet.components.labels[around], sheet.strength[around]
    own = own[1 if top == 0 else 0 :, 1 if left == 0 else 0 :][: labels.shape[0], : labels.shape[1]]
    return feed_glyph(np.where(own | (_grown(own) & (labels == 0)), strength, np.uint8(0)))


def _grown(mask: Mask) -> Mask:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    return wide
