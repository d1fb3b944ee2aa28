"""Letters: no digits, though drawn with the same strokes, and to be refused."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from drawing import Sample, finish
from fonts import fonts
from pens import printed, stamp

# Drawn like a digit by somebody: 0, 1, 5, 2, 8, 9, 6.
LIKE_DIGITS = frozenset("OoIlSsZzBqgb")
LETTERS = "".join(letter for letter in string.ascii_letters if letter not in LIKE_DIGITS)
SMALLEST, LARGEST = 64, 96
CANVAS = 200


def letters(seed: int, count: int | None = None, faces: Sequence[Path] | None = None) -> Iterator[Sample]:
    """Every letter in every font, or ``count`` of them in random order: dark on white, 64-96 pixels to the em.

    ``faces`` are font files; Debian's by default.

    Raises
    ------
    TargetError: see `fonts`.

    """
    rng = np.random.default_rng(seed)
    every = [(font, letter) for font in faces or fonts() for letter in LETTERS]
    for index in rng.permutation(len(every))[:count]:
        font, letter = every[index]
        ink = printed(letter, font, int(rng.integers(SMALLEST, LARGEST + 1)))
        canvas = np.zeros((CANVAS, CANVAS))
        top, left = (int(rng.integers(5, max(CANVAS - side - 5, 6))) for side in ink.shape)
        stamp(canvas, ink, top, left)
        yield Sample(finish(255 * (1 - canvas)), "", font.stem, letter)
