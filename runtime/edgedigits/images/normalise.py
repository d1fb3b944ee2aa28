"""Pipeline ``digit/1``: bring a picture of one digit to the convention of MNIST, ``[28, 28]``, light ink on dark.

Ink from paper (`paper`), the digit's ink from all other (`subject`), MNIST's form (`glyph`); docs/pipeline.md tells
each step with its source.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.convention import SIZE, pass_through
from edgedigits.images.frame import remove_frame
from edgedigits.images.glyph import feed_glyph
from edgedigits.images.light import SMALL
from edgedigits.images.normalised import Box, Normalised, scaled
from edgedigits.images.paper import Ink, find_ink
from edgedigits.images.rejection import Rejection
from edgedigits.images.shape import refuse_shadow, refuse_shape
from edgedigits.images.subject import Subject, find_subject

# Less than this between ink and paper is not told from paper grain and JPEG noise, in grey levels.
MIN_CONTRAST = 24
# A digit smaller than this in the reduced picture is looked at again in the picture itself.
DETAIL = 32
# What is left when a frame is taken away must be this large, by the picture's shorter side, not to be its crumbs.
FREED = 0.3
# What still touches an edge then must be this much smaller than before.
LESS = 0.8


def normalise(grey: NDArray[np.uint8], *, mnist: bool = False) -> Normalised:
    """Normalise one grey image, uint8 ``[H, W]``; ``mnist`` says that a 28x28 one is to be taken as it is."""
    if (ready := pass_through(grey, mnist=mnist)) is not None:
        return ready
    ink, found = look(find_ink(grey))
    if isinstance(found, Rejection):
        return Normalised(np.zeros((SIZE, SIZE), np.uint8), found, passed_through=False)
    top, left, bottom, right = scaled(found.box, ink.scale)
    box = top, left, min(bottom, grey.shape[0]), min(right, grey.shape[1])
    fine = _closer(grey, box) if ink.scale > 1 and _longer(found.box) < DETAIL else None
    strength = fine if fine is not None else found.strength
    return Normalised(feed_glyph(strength), None, passed_through=False, box=box)


def look(ink: Ink) -> tuple[Ink, Subject | Rejection]:
    """What the ink shows; where that comes from an edge, what it shows without lines along the edges."""
    found = _look(ink)
    clear = not _at_edge(found) if isinstance(found, Subject) else found.reason == "several_digits"
    if clear or min(ink.mask.shape) < SMALL:
        return ink, found
    freed = remove_frame(ink)
    second = _look(freed) if freed is not ink else found
    if isinstance(second, Rejection) or _longer(second.box) < FREED * min(ink.mask.shape):
        return ink, found
    if _at_edge(second) and not (isinstance(found, Subject) and _area(second) < LESS * _area(found)):
        return ink, found
    return freed, second


def _at_edge(subject: Subject) -> bool:
    height, width = subject.mask.shape
    top, left, bottom, right = subject.box
    return top == 0 or left == 0 or bottom == height or right == width


def _look(ink: Ink) -> Subject | Rejection:
    if ink.mask.any() and ink.contrast < MIN_CONTRAST:
        return Rejection("low_contrast", {"contrast": ink.contrast, "noise": ink.noise})
    found = find_subject(ink)
    if isinstance(found, Rejection):
        return found
    top, left, bottom, right = found.box
    mask = found.mask[top:bottom, left:right]
    absorbed = float(np.median(ink.absorption(found.mask)))
    return refuse_shape(found.strength, mask) or refuse_shadow(mask, absorbed) or found


def _closer(grey: NDArray[np.uint8], box: Box) -> NDArray[np.uint8] | None:
    """The same digit at the picture's own resolution, or None where it is not found alone there."""
    top, left, bottom, right = box
    around = max(bottom - top, right - left) // 2
    ink = find_ink(grey[max(top - around, 0) : bottom + around, max(left - around, 0) : right + around])
    found = _look(ink)
    return None if isinstance(found, Rejection) else found.strength


def _area(subject: Subject) -> int:
    top, left, bottom, right = subject.box
    return (bottom - top) * (right - left)


def _longer(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1])
