"""The score of a locator: how many digits it finds in drawn scenes, how many it names rightly, and what it makes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgedigits.images.locator import Found, Network, find_in_field
from edgedigits_train.scenes.examples import Example
from edgedigits_train.scenes.sheet import MARK, Truth
from edgedigits_train.scenes.targets import LARGEST, SMALLEST

# A digit is found where a box shares at least half of the union with its own.
_SHARED = 0.5
# What nearly is within the range of sizes, or nearly whole, is neither missed nor made up.
_MARGIN, _WHOLE = 1.15, 0.95


@dataclass(frozen=True, slots=True)
class LocatorScore:
    """The score of a locator on ``fields`` drawn fields of 128 by 128 pixels, with these ``digits``.

    Attributes
    ----------
    found: digits with a box that shares at least half of the union with theirs.
    right: those of them whose strongest class is the digit.
    false: boxes of digits where nothing was drawn that could be one.

    """

    fields: int
    digits: int
    found: int
    right: int
    false: int


def score_locator(network: Network, examples: Sequence[Example]) -> LocatorScore:
    """Return the score of a network on drawn examples."""
    digits = found = right = false = 0
    for example in examples:
        boxes = [box for box in find_in_field(network, example.field) if int(box.scores.argmax()) < MARK]
        used: set[int] = set()
        for truth in example.truths:
            near = [(_shared(truth, box), index) for index, box in enumerate(boxes) if index not in used]
            best = max(near, default=(0.0, -1))
            is_found = best[0] >= _SHARED
            if is_found:
                used.add(best[1])
            if not _counts(truth):
                continue
            digits += 1
            found += is_found
            right += is_found and int(boxes[best[1]].scores.argmax()) == truth.label
        rest = [box for index, box in enumerate(boxes) if index not in used]
        false += sum(1 for box in rest if not any(_touch(truth, box) for truth in example.truths if truth.label >= 0))
    return LocatorScore(len(examples), digits, found, right, false)


def _counts(truth: Truth) -> bool:
    return (
        0 <= truth.label < MARK and truth.visible >= _WHOLE and SMALLEST * _MARGIN <= truth.height <= LARGEST / _MARGIN
    )


def _shared(truth: Truth, found: Found) -> float:
    top, left, bottom, right = (
        np.maximum(truth.box[:2], found.box[:2]).tolist() + np.minimum(truth.box[2:], found.box[2:]).tolist()
    )
    both = max(0.0, bottom - top) * max(0.0, right - left)
    return float(both / (_area(truth.box) + _area(found.box) - both))


def _area(box: tuple[float, float, float, float]) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) + 1e-9


def _touch(truth: Truth, found: Found) -> bool:
    return _shared(truth, found) > 0
