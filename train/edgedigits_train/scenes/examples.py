"""Training examples of a locator: a field of local contrast, and the characters in it.

A field shows a part of a page or, in its four quarters, four small pictures of which each is a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.contrast import NONE, local_contrast
from edgedigits_train.scenes.clutter import clutter
from edgedigits_train.scenes.exposure import coarse, drawn, photographed
from edgedigits_train.scenes.layouts import alone, ghosts, grid, numbers, prose
from edgedigits_train.scenes.placing import Source
from edgedigits_train.scenes.sheet import FINE, Sheet, Truth, View, looking_at
from edgedigits_train.scenes.typefaces import DIGITS
from edgedigits_train.synthetic.patterns import random_pattern

Grey = NDArray[np.uint8]
Rng = np.random.Generator
Layout = Callable[[Sheet, Source, float, Rng], None]

SIDE = 128
# The share of fields that are four small pictures, and the shares of the layouts among all others.
QUARTERS = 0.28
PAGES: tuple[tuple[float, Layout | None], ...] = (
    (0.36, grid), (0.24, numbers), (0.22, prose), (0.12, clutter), (0.06, None),
)  # fmt: skip


# The share of patterns among small pictures.
_PATTERNS = 0.07


class Picture(NamedTuple):
    """A grey picture, uint8 ``[H, W]``, with its characters and the height of its digits in pixels."""

    grey: Grey
    truths: tuple[Truth, ...]
    height: float


class Example(NamedTuple):
    """A field, uint8 ``[SIDE, SIDE]`` of local contrast, and its characters."""

    field: Grey
    truths: tuple[Truth, ...]


def draw_example(source: Source, rng: Rng) -> Example:
    """Draw one training example."""
    field = np.full((SIDE, SIDE), NONE, np.uint8)
    truths: list[Truth] = []
    if rng.random() < QUARTERS:
        half = SIDE // 2
        for top, left in ((0, 0), (0, half), (half, 0), (half, half)):
            picture = draw_small(source, rng, half - 3)
            room = half - np.array(picture.grey.shape)
            truths += _set_in(field, picture, top + int(rng.integers(1, room[0])), left + int(rng.integers(1, room[1])))
    else:
        picture = draw_page(source, rng, SIDE)
        top, left, bottom, right = 0, 0, SIDE, SIDE
        if rng.random() < 0.2:  # the page ends inside of the field
            (top, left), (bottom, right) = rng.integers(0, 40, 2), SIDE - rng.integers(0, 40, 2)
        inside = Picture(picture.grey[top:bottom, left:right], _cut(picture.truths, top, left, bottom, right), 0)
        truths += _set_in(field, inside, top, left)
    return Example(field, tuple(truths))


def draw_page(source: Source, rng: Rng, side: int) -> Picture:
    """Draw a part of a page, ``[side, side]``."""
    height = _draw_height(rng)
    shares, layouts = zip(*PAGES, strict=True)
    layout = layouts[int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares)))]
    if layout is None:
        return Picture(random_pattern(side, rng), (), height)
    turn = rng.normal(0, 0.05) if rng.random() < 0.75 else rng.uniform(-0.3, 0.3)
    reach = side * (1.08 + abs(np.sin(turn)))
    sheet = Sheet((reach, reach))
    layout(sheet, source, height * FINE, rng)
    if rng.random() < 0.12:
        ghosts(sheet, source, height * FINE, rng)
    view = sheet.view((side, side), looking_at(_middle(sheet), (side, side), rng, turn=turn, steep=0.03))
    return _exposed(view, height, rng, coarse_share=0.15)


def draw_small(source: Source, rng: Rng, largest: int, smallest: int = 8) -> Picture:
    """Draw a small picture of one digit or of none: a cell of a grid, or a digit on its own, often cut tightly."""
    if rng.random() < _PATTERNS:
        side = int(np.exp(rng.uniform(np.log(20), np.log(largest))))
        return Picture(random_pattern(side, rng), (), side)
    height = float(np.exp(rng.uniform(np.log(14), np.log(46))))
    empty = rng.random() < 0.18
    tight = rng.uniform(-0.05, 0.14, 4) if rng.random() < 0.5 else rng.uniform(0, 0.45, 4)
    wide = height * (rng.uniform(0.45, 0.9) if rng.random() < 0.7 else rng.uniform(0.9, 1.1))
    size = (
        int(np.clip(wide + height * tight[:2].sum(), smallest, largest)),
        int(np.clip(height * (1 + tight[2:].sum()), smallest, largest)),
    )
    if rng.random() < 0.4:
        size = (max(size), max(size))
    # The digit keeps its margins: the picture's middle is not always its own.
    shift = (tight[1::2] - tight[::2]) / 2 * height * 0.7
    in_grid = rng.random() < 0.4
    sheet = Sheet((max(size) * 2.2, max(size) * 2.2) if in_grid else size)
    if in_grid:
        grid(sheet, source, height * FINE, rng, middle="" if empty else DIGITS[rng.integers(10)])
    else:
        alone(sheet, source, height * FINE, rng, empty=empty)
    at = tuple(np.array(_middle(sheet)) + (shift * FINE if in_grid or not empty else 0))
    turn = rng.normal(0, 0.06) if rng.random() < 0.7 else 0.0
    view = sheet.view(size, looking_at((at[0], at[1]), size, rng, turn=turn, steep=0.02 if in_grid else 0.0))
    return _exposed(view, height, rng, coarse_share=0.45)


def _exposed(view: View, height: float, rng: Rng, *, coarse_share: float) -> Picture:
    grey = drawn(view, height, rng) if rng.random() < 0.2 else photographed(view, height, rng)
    if rng.random() < coarse_share:
        grey = coarse(grey, rng.uniform(1, max(1.1, min(4.0, height / 7.5))), rng)
    return Picture(grey, view.truths, height)


def _draw_height(rng: Rng) -> float:
    kind = rng.random()
    if kind < 0.05:
        return float(rng.uniform(48, 110))
    if kind < 0.09:
        return float(rng.uniform(7, 12))
    return float(np.exp(rng.uniform(np.log(12), np.log(48))))


def _middle(sheet: Sheet) -> tuple[float, float]:
    return sheet.width / 2, sheet.height / 2


def _set_in(field: Grey, picture: Picture, top: int, left: int) -> list[Truth]:
    height, width = picture.grey.shape
    field[top : top + height, left : left + width] = local_contrast(picture.grey)
    moved = np.array([top, left, top, left])
    return [truth._replace(box=tuple((np.array(truth.box) + moved).tolist())) for truth in picture.truths]


def _cut(truths: tuple[Truth, ...], top: int, left: int, bottom: int, right: int) -> tuple[Truth, ...]:
    """Return the characters that a part of a picture shows, in its own pixels."""
    seen = []
    for truth in truths:
        y0, x0, y1, x1 = truth.box
        box = max(y0, top) - top, max(x0, left) - left, min(y1, bottom) - top, min(x1, right) - left
        if box[2] > box[0] and box[3] > box[1]:
            share = (box[2] - box[0]) * (box[3] - box[1]) / max((y1 - y0) * (x1 - x0), 1e-9)
            seen.append(truth._replace(box=box, visible=truth.visible * share))
    return tuple(seen)
