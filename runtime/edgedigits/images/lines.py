"""Puts digits and marks whose boxes were found anywhere on a page into lines and words, in reading order.

The page is laid straight. There, digits at one level are a line. Marks belong to the line of the digit nearest to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.slope import Straight, straighten
from edgedigits.images.words import split_words

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]

# All lengths are in heights of the digits. A digit goes on with a line if it is off its level by less than this, or if
# one is smaller by less than this share; where both are the case, by less of each. So many last digits tell the level.
OFF, SMALLER, RECENT = 0.6, 0.6, 6
# The middle of a mark is within the first distance of a place so far below the middle of its digit; beyond, it counts
# as if it were so many times as far to the side. A mark that is further than the last from every digit belongs to none.
BAND, BAND_MIDDLE, OUTSIDE, FAR = 0.65, 0.1, 4, 1.2
# The middle of a minus, slash or colon is this close to that of its line; the middle of a point or comma is at least
# this far below it, and its end at most.
AT_MIDDLE, AT_BASE, LOWEST = 0.32, 0.18, 1.1
# A minus is this many times as wide as high, and no higher than this; a colon is higher, a slash this long. A comma is
# no wider than this; its height and how far it ends below the middle of the line are together at least this.
MINUS, HIGH, SLASH, NARROW, COMMA = 1.5, 0.35, 0.92, 0.42, 0.88
# The dots of a colon are no larger than this, from the top of one to the end of the other it is at most so far, and, as
# they lean with the writing, one is at most so far aside of the other.
DOT, COLON, LEAN = 0.4, 0.9, 0.2


class Item(NamedTuple):
    """A digit, or a minus, point, comma, colon or slash, with its top, left, bottom, right in pixels of the picture."""

    box: Box
    is_mark: bool


class Layout(NamedTuple):
    """The degrees by which lines fall to the right in the middle of a page; its lines of words of indices of items."""

    skew: float
    lines: tuple[tuple[tuple[int, ...], ...], ...]


def lay_out(items: Sequence[Item]) -> Layout:
    """Put items into lines and words.

    Each digit has one place in the layout, and so has each mark that is not far from every digit.
    """
    boxes = np.array([item.box for item in items], np.float64).reshape(-1, 4)
    marks = np.array([item.is_mark for item in items], np.bool_)
    # Digits come first; beyond that the layout must not depend on the order of the items.
    order = np.lexsort((*boxes.T[::-1], marks))
    digits = len(items) - int(np.count_nonzero(marks))
    if not digits:
        return Layout(0.0, ())
    skew, page = straighten(boxes[order], digits)
    lines = _find_lines(page, digits)
    _add_marks(lines, page, digits)
    for line in lines:
        line.sort(key=page.along.item)
    words = split_words(lines, page, digits)
    return Layout(skew, tuple(tuple(tuple(order[word].tolist()) for word in line) for line in words))


def _find_lines(page: Straight, digits: int) -> list[list[int]]:
    """Return lines of digits from top to bottom."""
    places = np.stack([page.across[:digits], page.height[:digits]], axis=1)
    parts = _chain(places, page.along[:digits].argsort(kind="stable"))
    # Uneven writing starts several lines at one level.
    levels = np.array([np.median(places[part], axis=0) for part in parts])
    lines = _chain(levels, (levels[:, 0] - levels[:, 1] / 2).argsort(kind="stable"))
    return [[digit for part in line for digit in parts[part]] for line in lines]


def _chain(places: Floats, order: NDArray[np.intp]) -> list[list[int]]:
    """Put each place, a level and a height, to the line that it goes on with best."""
    lines: list[list[int]] = []
    ends = np.empty_like(places)
    for index in order.tolist():
        low, higher = (places[index] - ends[: len(lines)]).T
        # A small digit may be at the middle or on the base line. Above that it is an exponent.
        off = np.minimum(np.abs(low), np.abs(low + higher / 2))
        unlike = (off / OFF + np.abs(higher) / SMALLER) / np.maximum(places[index, 1], ends[: len(lines), 1])
        best = int(unlike.argmin()) if unlike.min(initial=1.0) < 1 else len(lines)
        if best == len(lines):
            lines.append([])
            ends[best] = places[index]
        lines[best].append(index)
        ends[best] += (places[index] - ends[best]) / min(len(lines[best]), RECENT)
    return lines


def _add_marks(lines: list[list[int]], page: Straight, digits: int) -> None:
    """Put marks to the lines of their digits, and leave out those that are far from every digit."""
    line_of = {digit: line for line in lines for digit in line}
    height = page.height[:digits]
    for mark in range(digits, len(page.along)):
        beside = np.abs(page.along[:digits] - page.along[mark]) - (page.width[:digits] + page.width[mark]) / 2
        below = (page.across[mark] - page.across[:digits]) / height
        far = np.maximum(beside / height, 0) + OUTSIDE * np.maximum(np.abs(below - BAND_MIDDLE) - BAND, 0)
        nearest = int(far.argmin())
        if far[nearest] < FAR:
            line_of[nearest].append(mark)


def join_dots(boxes: Sequence[Box], tall: float) -> list[Box]:
    """Return the boxes of marks, two dots one above the other, between digits that are so tall, as one box."""
    joined: list[Box] = []
    for box in sorted(boxes):  # from top to bottom
        above = next((index for index, other in enumerate(joined) if _is_colon(other, box, tall)), None)
        if above is None:
            joined.append(box)
        else:
            upper = joined[above]
            joined[above] = upper[0], min(upper[1], box[1]), box[2], max(upper[3], box[3])
    return joined


def _is_colon(upper: Box, lower: Box, tall: float) -> bool:
    size = max(side for box in (upper, lower) for side in (box[2] - box[0], box[3] - box[1]))
    aside = abs(upper[1] + upper[3] - lower[1] - lower[3]) / 2
    return size < DOT * tall and aside < LEAN * tall and lower[0] >= upper[2] and lower[2] - upper[0] < COLON * tall


def mark_text(box: Box, line_boxes: Sequence[Box]) -> str:
    """Return which of ``- . , : /`` a mark is, or ``?`` when that is unclear.

    ``box`` is the mark's and ``line_boxes`` those of the digits of its line, in any order: top, left, bottom, right in
    pixels of the picture.
    """
    if not line_boxes:
        return "?"
    page = straighten(np.array([*line_boxes, box], np.float64), len(line_boxes))[1]
    near = np.abs(page.along[:-1] - page.along[-1]).argsort(kind="stable")[:RECENT]
    tall, level = np.median(page.height[near]), np.median(page.across[near])
    width, height, below = page.width[-1] / tall, page.height[-1] / tall, (page.across[-1] - level) / tall
    if width > MINUS * height:
        return "-" if abs(below) < AT_MIDDLE and height < HIGH else "?"
    if abs(below) < AT_MIDDLE and math.hypot(width, height) > SLASH:
        return "/"
    if abs(below) < AT_MIDDLE and height > max(HIGH, MINUS * width):
        return ":"
    end = below + height / 2
    if below < AT_BASE or end > LOWEST or width > NARROW:
        return "?"
    return "," if height + end > COMMA else "."
