"""Which pieces of a line are one digit: the cheapest way through the line.

Every group of neighbouring pieces is a candidate; what the classifier thinks of it and how a digit is shaped make its
cost, and dynamic programming finds the cheapest row of groups (Y. LeCun et al., "Gradient-based learning applied to
document recognition", Proc. IEEE 86 (1998), V: heuristic over-segmentation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgedigits.pages.pieces import Piece, box_around

# Most pieces of a digit, and its greatest width and least height in heights of the line's digits.
MOST_PIECES = 4
WIDEST = 1.8
LOWEST = 0.3
# Components that are all taller than this are joined to no more than this width.
JOINED_TALL, JOINED_WIDE = 0.7, 1.2
# Costs, in nats like the negative logarithm of a probability. A probability is not trusted below this cost's.
UNSURE = 1.2
WIDE, WIDE_COST = 1.15, 4.2
LOW, LOW_COST = 0.82, 7.0
CUT_COST, CUT_INK_COST = 0.45, 2.0
GAP_COST, MERGE_COST = 3.0, 0.85
# A piece that is left out is noise when it is small, and a digit lost when it is not; what a cut parted from a
# component is hardly ever noise.
LEFT_OUT, LEFT_OUT_SIZE = 0.3, 12.0
LEFT_OUT_PART = 1.5


@dataclass(frozen=True, slots=True)
class Group:
    """Pieces ``first`` to ``last`` (exclusive) of a line, thought to be one digit."""

    first: int
    last: int


def candidates(pieces: Sequence[Piece], height: float) -> list[Group]:
    """All groups that could be one digit by their size."""
    groups = []
    for first in range(len(pieces)):
        for last in range(first + 1, len(pieces) + 1):
            top, left, bottom, right = box_around(list(pieces[first:last]))
            if last > first + 1 and (right - left > WIDEST * height or not _near(pieces[first:last], height)):
                break
            if bottom - top >= LOWEST * height and _few(pieces, first, last) and _may_join(pieces[first:last], height):
                groups.append(Group(first, last))
    return groups


def _few(pieces: Sequence[Piece], first: int, last: int) -> bool:
    """Few pieces, or few components and all of each, however many pieces those were cut into."""
    if last - first <= MOST_PIECES or len({piece.part for piece in pieces[first:last]}) == 1:
        return True
    whole = not pieces[first].joint and (last == len(pieces) or not pieces[last].joint)
    return whole and len({piece.part for piece in pieces[first:last]}) <= MOST_PIECES


def _may_join(pieces: Sequence[Piece], height: float) -> bool:
    """Not two tall components that together are wider than a digit: those stand beside each other."""
    if all(piece.part == pieces[0].part for piece in pieces):
        return True
    _, left, _, right = box_around(list(pieces))
    low = any(piece.box[2] - piece.box[0] < JOINED_TALL * height for piece in pieces)
    return low or right - left <= JOINED_WIDE * height


def _near(pieces: Sequence[Piece], height: float) -> bool:
    """Whether the last piece is close enough to those before it."""
    return pieces[-1].box[1] - max(piece.box[3] for piece in pieces[:-1]) <= 0.25 * height


def cheapest(pieces: Sequence[Piece], groups: Sequence[Group], best: Sequence[float], height: float) -> list[int]:
    """Indices of the ``groups`` that make the line, from left to right; ``best`` is each one's greatest probability."""
    count = len(pieces)
    costs = np.full(count + 1, np.inf)
    costs[0] = 0.0
    came: list[int | None] = [None] * (count + 1)
    ending: list[list[int]] = [[] for _ in range(count + 1)]
    for index, group in enumerate(groups):
        ending[group.last].append(index)
    for end in range(1, count + 1):
        costs[end] = costs[end - 1] + _left_out(pieces, end - 1, height)
        for index in ending[end]:
            first = groups[index].first
            cost = costs[first] + group_cost(pieces[first:end], best[index], height)
            if cost < costs[end]:
                costs[end], came[end] = cost, index
    chosen, end = [], count
    while end:
        taken = came[end]
        if taken is None:
            end -= 1
        else:
            chosen.append(taken)
            end = groups[taken].first
    return chosen[::-1]


def group_cost(pieces: Sequence[Piece], best: float, height: float) -> float:
    """What it costs to take ``pieces`` for one digit that the classifier gives the probability ``best``."""
    top, left, bottom, right = box_around(list(pieces))
    tall, wide = (bottom - top) / height, (right - left) / height
    cost = min(-float(np.log(max(best, 1e-9))), UNSURE)
    cost += WIDE_COST * max(wide - WIDE, 0.0) + LOW_COST * max(LOW - tall, 0.0)
    if pieces[0].joint:
        cost += CUT_COST + CUT_INK_COST * pieces[0].joint / height
    for before, after in pairwise(pieces):
        if before.part != after.part:
            cost += GAP_COST * max(after.box[1] - before.box[3], 0) / height
            cost += MERGE_COST * min(1.0, _tallest(before, after) / height)
    return cost


def _tallest(before: Piece, after: Piece) -> float:
    """Height of the lower of two pieces: whole digits beside each other are seldom one."""
    return min(before.box[2] - before.box[0], after.box[2] - after.box[0])


def _left_out(pieces: Sequence[Piece], index: int, height: float) -> float:
    top, left, bottom, right = pieces[index].box
    cost = LEFT_OUT + LEFT_OUT_SIZE * max(max(bottom - top, right - left) / height - 0.3, 0.0)
    beside = [*pieces[max(index - 1, 0) : index], *pieces[index + 1 : index + 2]]
    return cost + LEFT_OUT_PART * any(piece.part == pieces[index].part for piece in beside)
