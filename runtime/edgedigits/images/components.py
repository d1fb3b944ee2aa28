"""Connected components of a binary image, 8-connected, in numpy alone.

Runs of ink in each row are the nodes; runs of neighbouring rows that touch, corners included, are joined. Labels
spread over these joins by the smallest index and pointer jumping (Y. Shiloach, U. Vishkin, "An O(log n) parallel
connectivity algorithm", J. Algorithms 3 (1982)), so that no step is a Python loop over pixels or runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Components:
    """The components in reading order of their first run; index i is label i + 1.

    Attributes
    ----------
    labels: int32 ``[H, W]``, 0 where there is no ink.
    boxes: intp ``[N, 4]``: top, left, bottom, right, the last two one past the end.
    areas: intp ``[N]``, pixels.

    """

    labels: NDArray[np.int32]
    boxes: Indices
    areas: Indices

    def __len__(self) -> int:
        """Count of components."""
        return len(self.areas)

    def mask(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where the ``chosen`` components, bool ``[N]``, are: bool ``[H, W]``."""
        kept: NDArray[np.bool_] = np.concatenate([[False], chosen])[self.labels]
        return kept

    def only(self, chosen: NDArray[np.bool_]) -> Components:
        """The ``chosen`` components alone, bool ``[N]``, with labels anew."""
        if chosen.all():
            return self
        names = np.zeros(len(chosen) + 1, np.int32)
        names[1:][chosen] = np.arange(1, np.count_nonzero(chosen) + 1)
        return Components(names[self.labels], self.boxes[chosen], self.areas[chosen])


@dataclass(frozen=True, slots=True)
class Runs:
    """Unbroken pieces of ink in a row: intp ``[N]`` each, ``end`` one past the last pixel, ordered by row and start."""

    row: Indices
    start: Indices
    end: Indices

    @property
    def length(self) -> Indices:
        """Pixels of each run."""
        return self.end - self.start


def find_runs(mask: NDArray[np.bool_]) -> Runs:
    """The horizontal runs of a bool image ``[H, W]``."""
    height, width = mask.shape
    # One column of paper on the left: runs of one row can never join those of the next in the flat array.
    flat = np.zeros(height * (width + 1) + 1, np.bool_)
    flat[:-1].reshape(height, width + 1)[:, 1:] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    start, end = edges[0::2], edges[1::2]
    row = start // (width + 1)
    return Runs(row, start - row * (width + 1), end - row * (width + 1))


def label(mask: NDArray[np.bool_]) -> Components:
    """Label the 8-connected components of a bool image ``[H, W]``."""
    height, width = mask.shape
    runs = find_runs(mask)
    if not len(runs.row):
        none = np.zeros(0, np.intp)
        return Components(np.zeros((height, width), np.int32), np.zeros((0, 4), np.intp), none)
    roots = _spread(len(runs.row), *_touching(runs, width))
    first, index = np.unique(roots, return_inverse=True)
    count = len(first)
    order = np.argsort(index, kind="stable")
    begin = np.searchsorted(index[order], np.arange(count))
    last = order[np.append(begin[1:], len(order)) - 1]
    left, right = np.minimum.reduceat(runs.start[order], begin), np.maximum.reduceat(runs.end[order], begin)
    # Runs are ordered by row, so a component's first and last are its highest and lowest.
    boxes = np.stack([runs.row[first], left, runs.row[last] + 1, right], axis=1)
    areas = np.bincount(index, weights=runs.length, minlength=count).astype(np.intp)
    labels = np.zeros((height, width), np.int32)
    labels[mask] = np.repeat((index + 1).astype(np.int32), runs.length)
    return Components(labels, boxes, areas)


def _touching(runs: Runs, width: int) -> tuple[Indices, Indices]:
    """Pairs of runs in neighbouring rows that share an edge or a corner."""
    # Keys that order runs by row and column at once; a run reaches one column further on both sides.
    step = width + 2
    starts, ends = runs.row * step + runs.start, runs.row * step + runs.end
    below = (runs.row + 1) * step
    low = np.searchsorted(ends, below + runs.start, side="left")
    high = np.searchsorted(starts, below + runs.end, side="right")
    # Runs of the row below that end before it or begin after it are out of the row's own key range.
    low = np.maximum(low, np.searchsorted(runs.row, runs.row + 1, side="left"))
    high = np.minimum(high, np.searchsorted(runs.row, runs.row + 1, side="right"))
    counts = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(counts)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(low, counts) + offsets


def _spread(count: int, left: Indices, right: Indices) -> Indices:
    """The smallest index that can be reached from each of ``count`` nodes over the pairs ``left``, ``right``."""
    parent = np.arange(count)
    while True:
        a, b = parent[left], parent[right]
        if np.array_equal(a, b):
            return parent
        low = np.minimum(a, b)
        np.minimum.at(parent, a, low)
        np.minimum.at(parent, b, low)
        while not np.array_equal(jumped := parent[parent], parent):
            parent = jumped
