"""Which ink of a picture is the one digit that it shows: frames, neighbours' remains and specks left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgedigits.images.components import Components, label
from edgedigits.images.edges import from_edges
from edgedigits.images.paper import Ink
from edgedigits.images.rejection import Rejection

# More components than a page of handwriting has: noise, or a texture.
MAX_COMPONENTS = 150
# A digit is no smaller than this share of the picture's longer side, nor than this many pixels.
LEAST_SHARE = 0.02
LEAST_PIXELS = 5
# Components smaller than this, as a share of the largest one's area, are specks.
SPECK = 0.02
# A component at least this tall, measured by the tallest, stands for itself; a lower one may be a loose part.
WHOLE = 0.55
# The gap between parts of one digit, measured by the height of the tallest.
GAP = 0.25


@dataclass(frozen=True, slots=True)
class Subject:
    """The digit's ink.

    Attributes
    ----------
    mask: bool ``[h, w]``, of the picture's size.
    box: where it is there: top, left, bottom, right, the last two past the end.
    strength: of its ink with its soft edge, uint8, cropped to it, 0 elsewhere.

    """

    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    strength: NDArray[np.uint8]


def find_subject(ink: Ink) -> Subject | Rejection:
    """The ink of the one digit, or why there is none."""
    parts = label(ink.mask)
    if not len(parts):
        return Rejection("blank", {"contrast": ink.contrast, "noise": ink.noise})
    if len(parts) > MAX_COMPONENTS:
        return Rejection("too_many_components", {"components": len(parts)})
    candidates = _worth_it(parts)
    if not candidates.any():
        return Rejection("blank", {"largest_pixels": float(_longer(parts).max())})
    groups = _group(parts, candidates)
    main = max(groups, key=lambda group: _weight(parts, group))
    tall = [group for group in groups if _height(parts, group) >= WHOLE * _height(parts, main)]
    if len(tall) > 1:
        return Rejection("several_digits", {"digits": len(tall)})
    chosen = np.zeros(len(parts), bool)
    chosen[main] = True
    top, left, bottom, right = (int(value) for value in _box(parts, main))
    mask, box = parts.mask(chosen), (top, left, bottom, right)
    return Subject(mask, box, _only(ink, mask, box))


def _only(ink: Ink, mask: NDArray[np.bool_], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    top, left, bottom, right = box
    part = np.s_[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1]
    near = np.asarray(Image.fromarray(mask[part].astype(np.uint8)).filter(ImageFilter.MaxFilter(3)))
    alone: NDArray[np.uint8] = ink.strength[part] * near
    return alone


def _longer(parts: Components) -> NDArray[np.intp]:
    size: NDArray[np.intp] = (parts.boxes[:, 2:] - parts.boxes[:, :2]).max(axis=1)
    return size


def _worth_it(parts: Components) -> NDArray[np.bool_]:
    """Components that may belong to the digit, bool ``[N]``."""
    height, width = parts.labels.shape
    outside = from_edges(parts)
    big = _longer(parts) >= max(LEAST_PIXELS, LEAST_SHARE * max(height, width))
    inner = big & ~outside
    if not inner.any():
        return inner
    worth: NDArray[np.bool_] = ~outside & (parts.areas >= SPECK * parts.areas[inner].max())
    return worth


def _group(parts: Components, candidates: NDArray[np.bool_]) -> list[list[int]]:
    """Components put together that are near and one above the other, or of which one is too low to be a digit."""
    order = sorted(np.flatnonzero(candidates).tolist(), key=lambda index: -int(parts.areas[index]))
    groups: list[list[int]] = []
    tallest = max(int(parts.boxes[index, 2] - parts.boxes[index, 0]) for index in order)
    for index in order:
        home = min(groups, key=lambda group: _distance(parts, group, [index]), default=None)
        if home is not None and _belongs(parts, home, index, tallest):
            home.append(index)
        else:
            groups.append([index])
    return groups


def _belongs(parts: Components, group: list[int], index: int, tallest: int) -> bool:
    if _distance(parts, group, [index]) > GAP * tallest:
        return False
    mine, other = _box(parts, group), parts.boxes[index]
    shared = min(mine[3], other[3]) - max(mine[1], other[1])
    above = shared >= 0.3 * min(mine[3] - mine[1], other[3] - other[1])
    return bool(above or other[2] - other[0] < WHOLE * tallest)


def _distance(parts: Components, first: list[int], second: list[int]) -> float:
    """Pixels between two groups' boxes; 0 where they overlap."""
    a, b = _box(parts, first), _box(parts, second)
    down, across = max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3])
    return float(np.hypot(max(down, 0), max(across, 0)))


def _box(parts: Components, group: list[int]) -> NDArray[np.intp]:
    boxes = parts.boxes[group]
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _height(parts: Components, group: list[int]) -> int:
    box = _box(parts, group)
    return int(box[2] - box[0])


def _weight(parts: Components, group: list[int]) -> float:
    """Area, counted less the further from the middle of the picture."""
    height, width = parts.labels.shape
    box = _box(parts, group)
    away = float(np.hypot((box[0] + box[2]) / height - 1, (box[1] + box[3]) / width - 1))
    return float(parts.areas[group].sum()) * (1 - 0.3 * away)
