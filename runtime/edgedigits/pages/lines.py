"""Which components stand in one line of writing, and how high its digits are.

Neighbours to the right that overlap in height are chained, so a line may bend and need not be quite level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.components import Components

Indices = NDArray[np.intp]

# Components smaller than this in both directions, in pixels, cannot be read; with fewer pixels they are specks.
SMALLEST = 6
LEAST_AREA = 10
# More components than this are no page of writing, but texture: the largest are looked at.
MOST = 800
# Components lower than this share of the usual height are fragments: dots, loose bars, remains of rulings.
FRAGMENT = 0.45
# Share of the lower one's height in which neighbours in a line overlap.
OVERLAP = 0.4
# How far the next digit of a line may be, in digit heights, before the line is taken up again further right.
REACH = 4.0


@dataclass(frozen=True, slots=True)
class Row:
    """A line of writing on the straightened sheet.

    Attributes
    ----------
    parts: intp ``[N]``, indices of its components from left to right, fragments included.
    height: of its digits, pixels.

    """

    parts: Indices
    height: float


def find_rows(components: Components) -> list[Row]:
    """Lines of writing from top to bottom."""
    boxes = components.boxes
    sizes = boxes[:, 2:] - boxes[:, :2]
    good = np.flatnonzero((sizes.max(axis=1) >= SMALLEST) & (components.areas >= LEAST_AREA))
    good = good[np.argsort(-components.areas[good], kind="stable")[:MOST]]
    if not len(good):
        return []
    tall = sizes[good, 0] >= FRAGMENT * _usual(sizes[good, 0], components.areas[good])
    mains, fragments = good[tall], good[~tall]
    mains = mains[np.argsort(boxes[mains, 1], kind="stable")]
    chains = _join_level(_chains(boxes[mains]), boxes[mains])
    rows = [_row(mains[chain], boxes) for chain in chains]
    rows.sort(key=lambda row: float(boxes[row.parts, 0].mean()))
    return _with_fragments(rows, fragments, boxes)


def count_digits(components: Components) -> int:
    """About how many digits are there: a lower bound where they touch, and parts of broken ones count one by one."""
    boxes = components.boxes
    return sum(
        int(np.count_nonzero(boxes[row.parts, 2] - boxes[row.parts, 0] >= FRAGMENT * row.height))
        for row in find_rows(components)
    )


def _usual(values: NDArray[np.intp], weights: NDArray[np.intp]) -> float:
    """Weighted median: half of the ink is in components that are lower."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _chains(boxes: Indices) -> list[Indices]:
    """Indices of boxes, which come ordered by their left edge, that follow each other in a line."""
    top, left, bottom, right = boxes.T
    height = bottom - top
    middle = (left + right) / 2
    overlap = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    lower, higher = np.minimum(height[:, None], height), np.maximum(height[:, None], height)
    ahead = middle - middle[:, None]
    after = (ahead > 0) | ((ahead == 0) & np.triu(np.ones(ahead.shape, bool), 1))
    fits = after & (overlap >= OVERLAP * lower) & (left - right[:, None] <= REACH * higher)
    distance = np.where(fits, ahead, np.inf)
    nearest = distance.argmin(axis=1)
    chain = np.arange(len(boxes))
    for index in np.flatnonzero(fits.any(axis=1)):
        one, other = chain[index], chain[nearest[index]]
        chain[chain == max(one, other)] = min(one, other)
    return [np.flatnonzero(chain == start) for start in np.unique(chain)]


def _join_level(chains: list[Indices], boxes: Indices) -> list[Indices]:
    """Chains side by side at the same height as one."""
    chains = sorted(chains, key=lambda chain: int(boxes[chain[0], 1]))
    joined: list[Indices] = []
    for chain in chains:
        for number, line in enumerate(joined):
            if _continues(boxes[line], boxes[chain]):
                joined[number] = np.concatenate([line, chain])
                break
        else:
            joined.append(chain)
    return joined


def _continues(line: Indices, chain: Indices) -> bool:
    """Whether a chain to the right stands at the height of a line."""
    if chain[:, 1].min() < line[:, 3].max():
        return False
    # The neighbours' heights count: a line need not be level all the way.
    end, start = line[-3:], chain[:3]
    height = (np.median(end[:, 2] - end[:, 0]) + np.median(start[:, 2] - start[:, 0])) / 2
    return bool(abs((end[:, 0] + end[:, 2]).mean() - (start[:, 0] + start[:, 2]).mean()) / 2 < height * 0.5)


def _row(parts: Indices, boxes: Indices) -> Row:
    return Row(parts, float(np.median(boxes[parts, 2] - boxes[parts, 0])))


def _with_fragments(rows: list[Row], fragments: Indices, boxes: Indices) -> list[Row]:
    """Each fragment goes to the line of the nearest component that it may belong to, or nowhere."""
    given: list[list[int]] = [[] for _ in rows]
    for fragment in fragments:
        top, left, bottom, right = boxes[fragment]
        best, choice = np.inf, -1
        for number, row in enumerate(rows):
            others = boxes[row.parts]
            across = np.maximum(np.maximum(others[:, 1] - right, left - others[:, 3]), 0)
            down = np.maximum(np.maximum(others[:, 0] - bottom, top - others[:, 2]), 0)
            distance = float((across + down).min())
            if distance < min(best, row.height * 0.5):
                best, choice = distance, number
        if choice >= 0:
            given[choice].append(int(fragment))
    return [
        Row(_by_middle(np.concatenate([row.parts, np.array(more, np.intp)]), boxes), row.height)
        for row, more in zip(rows, given, strict=True)
    ]


def _by_middle(parts: Indices, boxes: Indices) -> Indices:
    return parts[np.argsort(boxes[parts, 1] + boxes[parts, 3], kind="stable")]
