"""Digits of a picture: where they are, what the classifier is to see of them, and what the locator thinks they are."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter, itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.crop import crop
from edgedigits.images.judge import Rejection
from edgedigits.images.locator import CLASSES, Found, Network, locate_all, locate_one

Box = tuple[int, int, int, int]
Grey = NDArray[np.uint8]

DIGITS = CLASSES - 1
# A picture's one digit is looked for in its middle: a peak counts by a bell of this deviation, as a share of the sides.
_CENTRAL = 0.35
# Below this probability of a digit anywhere nothing was found; the classifier then sees the whole picture.
_FAINT = 0.15
# On a page, a digit and a mark are there from these probabilities on.
_DIGIT, _MARK = 0.3, 0.35
# Where nothing is as probable as this, smaller digits are looked for.
_CLEAR = 0.5
# A digit that takes this share of the height or the width is cut so tightly that it is looked at again with a frame of
# paper, which is this share of the longer side; its middle is in the middle half of both sides.
_FILLED, _FRAME, _MIDDLE = 0.85, 0.15, 0.5
# A picture of so few pixels a side has room for nothing but a digit.
_TINY = 32
# Several digits are the question where the next one counts this much of the first one, and is this share as tall.
_RIVAL, _AS_TALL = 0.35, 0.6
# Where the locator has no opinion on a class, it keeps this much of one.
_OPEN_MIND = 0.02


class Seen(NamedTuple):
    """What a classifier is to see.

    Attributes
    ----------
    image: the model input, uint8 ``[28, 28]`` or ``[H, W, C]``.
    rejection: why there is no answer whatever the classifier says, or None.
    passed_through: whether the picture was the model input as it was.
    box: top, left, bottom, right (past the end) of the digit; None where nobody looked, or none is there.
    found: the locator's probability that there is a digit; None where nobody looked.
    opinion: what the locator thinks it is, probabilities float32 ``[10]``; None where nobody looked.

    """

    image: NDArray[np.uint8]
    rejection: Rejection | None = None
    passed_through: bool = False
    box: Box | None = None
    found: float | None = None
    opinion: NDArray[np.float32] | None = None

    @property
    def rejected(self) -> str | None:
        """The reason of the rejection, or None."""
        return self.rejection.reason if self.rejection else None


def see_one(network: Network, grey: Grey) -> Seen:
    """Look for the one digit of a picture, uint8 ``[H, W]``: central, large, and often cut tightly."""
    digits = list(_digits(locate_one(network, grey)))
    if _is_cut_tightly(digits, grey):
        digits = _locate_framed(network, grey)
    elif _best(digits) < _CLEAR:
        digits = max(digits, list(_digits(locate_one(network, grey, closer=True))), key=_best)
    counted = sorted(((_central(found, grey.shape), found) for found in digits), key=itemgetter(0), reverse=True)
    whole = (0.0, 0.0, float(grey.shape[0]), float(grey.shape[1]))
    if not counted or counted[0][0] < _FAINT:
        found = counted[0][1] if counted else Found(whole, 0.0, np.zeros(CLASSES, np.float32))
        seen = _seen(Image.fromarray(grey), found._replace(box=whole))
        return seen._replace(box=None, rejection=Rejection("no_digit", {"found": found.score}))
    (first, found), *others = counted
    rivals = [other for share, other in others if share > _RIVAL * first and _height(other) > _AS_TALL * _height(found)]
    seen = _seen(Image.fromarray(grey), found)
    if rivals:
        return seen._replace(rejection=Rejection("several_digits", {"digits": float(1 + len(rivals))}))
    return seen


def _is_cut_tightly(digits: list[Found], grey: Grey) -> bool:
    """Return whether the best digit is in the middle and fills the picture; of a tiny one, whether there is none."""
    if not digits:
        return max(grey.shape) <= _TINY
    top, left, bottom, right = max(digits, key=attrgetter("score")).box
    height, width = grey.shape
    central = abs(top + bottom - height) < _MIDDLE * height and abs(left + right - width) < _MIDDLE * width
    return central and (bottom - top > _FILLED * height or right - left > _FILLED * width)


def _locate_framed(network: Network, grey: Grey) -> list[Found]:
    """Find the digits of a picture with paper around it, of the median of its edge."""
    margin = round(_FRAME * max(grey.shape))
    edge = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    framed = np.pad(grey, margin, constant_values=int(np.median(edge)))
    return [_moved(found, margin) for found in _digits(locate_one(network, framed))]


def _moved(found: Found, by: int) -> Found:
    top, left, bottom, right = found.box
    return found._replace(box=(top - by, left - by, bottom - by, right - by))


def see_all(network: Network, grey: Grey) -> tuple[list[Seen], list[Found]]:
    """Look for all digits of a page, uint8 ``[H, W]``, and for the marks that belong to numbers."""
    found = locate_all(network, grey)
    picture = Image.fromarray(grey)
    digits = [one for one in _digits(found) if one.score >= _DIGIT]
    marks = [one for one in found if int(one.scores.argmax()) == DIGITS and one.score >= _MARK]
    return [_seen(picture, one) for one in digits], marks


def _digits(found: Iterable[Found]) -> Iterable[Found]:
    return (one for one in found if int(one.scores.argmax()) < DIGITS)


def _seen(picture: Image.Image, found: Found) -> Seen:
    top, left, bottom, right = found.box
    inside = (
        max(0, round(top)), max(0, round(left)), min(picture.height, round(bottom)), min(picture.width, round(right))
    )  # fmt: skip
    opinion = found.scores[:DIGITS] + np.float32(_OPEN_MIND)
    return Seen(crop(picture, found.box), box=inside, found=found.score, opinion=opinion / opinion.sum())


def _best(digits: list[Found]) -> float:
    return max((found.score for found in digits), default=0.0)


def _central(found: Found, shape: tuple[int, ...]) -> float:
    """Return a digit's probability, less where it is far from the picture's middle."""
    top, left, bottom, right = found.box
    away = ((top + bottom) / 2 / shape[0] - 0.5, (left + right) / 2 / shape[1] - 0.5)
    return float(found.score * np.exp(-0.5 * sum((part / _CENTRAL) ** 2 for part in away)))


def _height(found: Found) -> float:
    return found.box[2] - found.box[0]


def scaled(box: tuple[float, float, float, float], factor: float) -> Box:
    """Return the same box, in whole pixels, in a picture ``factor`` times as large."""
    top, left, bottom, right = box
    return round(top * factor), round(left * factor), round(bottom * factor), round(right * factor)
