"""What a pipeline leaves of a picture: the pixels to feed and where they were, or why there are none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.rejection import Rejection

Box = tuple[int, int, int, int]


class Normalised(NamedTuple):  # made for every answer: a third of what a frozen dataclass costs
    """What the model is fed, and what was found on the way.

    Attributes
    ----------
    image: uint8 ``[28, 28]``, light ink on dark; all 0 where nothing is fed. (``[H, W, C]`` of other pipelines.)
    rejection: why there is nothing to infer from, or None.
    passed_through: the input followed the model's convention already and is untouched.
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


def scaled(box: Box, factor: float) -> Box:
    """The same box in a picture ``factor`` times as large."""
    top, left, bottom, right = box
    return round(top * factor), round(left * factor), round(bottom * factor), round(right * factor)
