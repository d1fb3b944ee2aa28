"""Pipeline ``digit/1``: bring a picture of one digit to the convention of MNIST, ``[28, 28]``, light ink on dark.

Ink from paper (`paper`), the digit's ink from all other (`subject`), MNIST's form (`glyph`); docs/pipeline.md tells
each step with its source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.frame import remove_frame
from edgedigits.images.glyph import SIZE, feed_glyph
from edgedigits.images.light import SMALL
from edgedigits.images.paper import Ink, find_ink
from edgedigits.images.rejection import Rejection
from edgedigits.images.shape import refuse_shadow, refuse_shape
from edgedigits.images.subject import Subject, find_subject

# A 28x28 image whose border is this dark follows MNIST's convention already; normalising it again costs accuracy
# (98.93 -> 98.51 % for a small net), and a dark-on-white page has a border far above it.
BORDER_LIMIT = 20
# The strongest pixel of every digit of MNIST is 254 or 255; dim or blurred ones are read better when normalised.
FULL_STRENGTH = 200
# Less than this between ink and paper is not told from paper grain and JPEG noise, in grey levels.
MIN_CONTRAST = 24
# A digit smaller than this in the reduced picture is looked at again in the picture itself.
DETAIL = 32
# What is left when a frame is taken away must be this large, by the picture's shorter side, not to be its crumbs.
FREED = 0.3
# What still touches an edge then must be this much smaller than before.
LESS = 0.8

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Normalised:
    """What the model is fed, and what was found on the way.

    Attributes
    ----------
    image: uint8 ``[28, 28]``, light ink on dark; all 0 where nothing is fed. (``[H, W, C]`` of other pipelines.)
    rejection: why there is nothing to infer from, or None.
    passed_through: the input followed MNIST's convention already and is untouched.
    box: where the digit is in the picture: top, left, bottom, right, the last two past the end; None if not found.

    """

    image: NDArray[np.uint8]
    rejection: Rejection | None
    passed_through: bool
    box: Box | None = None

    @property
    def rejected(self) -> str | None:
        """The reason of the rejection, or None."""
        return self.rejection.reason if self.rejection else None


def normalise(grey: NDArray[np.uint8], *, mnist: bool = False) -> Normalised:
    """Normalise one grey image, uint8 ``[H, W]``; ``mnist`` says that a 28x28 one is to be taken as it is."""
    if grey.shape == (SIZE, SIZE):
        if follows_mnist(grey):
            return Normalised(grey, None, passed_through=True)
        if mnist:
            return Normalised(grey, None if grey.any() else Rejection("blank", {"contrast": 0.0}), passed_through=True)
    ink, found = look(find_ink(grey))
    if isinstance(found, Rejection):
        return Normalised(np.zeros((SIZE, SIZE), np.uint8), found, passed_through=False)
    top, left, bottom, right = scaled(found.box, ink.scale)
    box = top, left, min(bottom, grey.shape[0]), min(right, grey.shape[1])
    fine = _closer(grey, box) if ink.scale > 1 and _longer(found.box) < DETAIL else None
    strength = fine if fine is not None else found.strength
    return Normalised(feed_glyph(strength), None, passed_through=False, box=box)


def follows_mnist(grey: NDArray[np.uint8]) -> bool:
    """Whether a 28x28 image is light on dark, in full strength, and keeps away from its border for the most part."""
    data = grey.tobytes()
    if not (b"\xff" in data or b"\xfe" in data or int(grey.max()) >= FULL_STRENGTH):
        return False
    # Counting bytes takes a tenth of the time that numpy takes to count: this stands before every ready array.
    zeros = data.count(0, 0, SIZE) + data.count(0, -SIZE) + data[::SIZE].count(0) + data[SIZE - 1 :: SIZE].count(0)
    return zeros > 2 * SIZE or border_median(grey) <= BORDER_LIMIT


def border_median(grey: NDArray[np.uint8]) -> float:
    """Median of the outermost pixels: the background's grey, unless ink touches half of the border."""
    return float(np.median(np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])))


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


def scaled(box: Box, factor: float) -> Box:
    """The same box in a picture ``factor`` times as large."""
    top, left, bottom, right = box
    return round(top * factor), round(left * factor), round(bottom * factor), round(right * factor)
