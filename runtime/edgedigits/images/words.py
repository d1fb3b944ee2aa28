"""Parts lines into words: at gaps well above those inside numbers, at every cell of a grid, not in a row of boxes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.slope import Straight

Floats = NDArray[np.float64]

# All lengths are in heights of the digits. This gap parts two words where nothing else is known. What is learnt from a
# page lies between the next two, and counts as much as that when it comes from so many gaps. The last is beside marks.
WORD_GAP, NARROWEST, WIDEST, DOUBT, MARK_GAP = 0.62, 0.38, 0.66, 20, 0.5
# Gaps from this on are never inside a number. Of the others, this share is narrow, and this share inside a number even
# where all numbers are short. Words are parted this many times the difference of both above the latter. The figures
# are those that parted words best on drawn pages, printed in 22 fonts and written by hand.
NEVER, NARROW, INSIDE, ABOVE = 0.95, 0.05, 0.42, 2.3
# Digits in boxes have gaps between these, and the distances of their middles differ by less than this share. The boxes
# are cells of a grid, and words, where these distances differ from those of the lines by less than the last share.
BOX_GAP, BOX_WIDE, BOX_SPREAD, SQUARE = 0.3, 0.88, 0.4, 0.35


def split_words(lines: list[list[int]], page: Straight, digits: int) -> list[list[list[int]]]:
    """Part each line of ``page`` into words, from left to right; items from number ``digits`` on are marks."""
    plain = [[item for item in line if item < digits] for line in lines]
    gaps = [_measure(line, page, digits) for line in plain]
    word_gap = _word_gap(np.concatenate([gap for gap, _ in gaps]))
    levels = np.sort([np.median(page.across[line]) for line in plain]) / np.median(page.height[:digits])
    leading = float(np.median(np.diff(levels))) if len(lines) > 2 else np.inf
    limits = [_limit(*between, leading, word_gap) for between in gaps]
    return [_split(line, page, digits, limit) for line, limit in zip(lines, limits, strict=True)]


def _measure(line: list[int], page: Straight, digits: int) -> tuple[Floats, Floats]:
    """Return the gaps between neighbours and the distances of their middles, in heights of the line's digits."""
    height = np.median(page.height[[item for item in line if item < digits]])
    pitch, width = np.diff(page.along[line]) / height, page.width[line] / height
    return pitch - (width[1:] + width[:-1]) / 2, pitch


def _word_gap(gaps: Floats) -> float:
    """Return the gap that parts words: less than usual where most gaps are narrow and even."""
    gaps = gaps[gaps < NEVER]
    if not len(gaps):
        return WORD_GAP
    narrow, inside = np.quantile(gaps, (NARROW, INSIDE))
    learnt = np.clip(inside + ABOVE * (inside - narrow), NARROWEST, WIDEST)
    return float((DOUBT * WORD_GAP + len(gaps) * learnt) / (DOUBT + len(gaps)))


def _limit(gap: Floats, pitch: Floats, leading: float, word_gap: float) -> float:
    """Return the gap that parts words in a line, which is another one where its digits stand in boxes."""
    beside = pitch[gap < BOX_WIDE]
    if not len(beside) or gap.min() < BOX_GAP or np.ptp(beside) > BOX_SPREAD * beside.mean():
        return word_gap
    boxes = BOX_WIDE if len(beside) > 1 else word_gap
    return BOX_GAP if abs(beside.mean() - leading) < SQUARE * leading else boxes


def _split(line: list[int], page: Straight, digits: int, limit: float) -> list[list[int]]:
    """Part a line into words, of which one at most ends between two digits with nothing but marks between them."""
    gaps, _ = _measure(line, page, digits)
    places = [place for place, item in enumerate(line) if item < digits]
    words, start = [], 0
    for one, other in pairwise(places):
        last = one + int(gaps[one:other].argmax())
        if gaps[last] > (limit if other == one + 1 else MARK_GAP):
            words.append(line[start : last + 1])
            start = last + 1
    return [*words, line[start:]]
