"""Segments: digits as the displays of meters, scales and clocks show them, of seven bars each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgedigits_train.scenes.writing import MARKS, drawn_mark
from edgedigits_train.synthetic.ink import Ink, trim

Rng = np.random.Generator

# The bars of each digit, from a at the top clockwise to f, and g in the middle; some displays leave out those behind.
_LIT = {
    "0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "fgedca", "7": "abcf",
    "8": "abcdefg", "9": "abcfgd",
}  # fmt: skip
_OPTIONAL = {"6": 1, "7": 1, "9": 1}
# Both ends of each bar, right and down in units of the display's width and of half of its height.
_ENDS = {
    "a": ((0, 0), (1, 0)), "b": ((1, 0), (1, 1)), "c": ((1, 1), (1, 2)), "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)), "f": ((0, 0), (0, 1)), "g": ((0, 1), (1, 1)),
}  # fmt: skip


class Segments:
    """One display, with its proportions; bars are pointed and apart, or they meet at square corners."""

    letters = False

    def __init__(self, rng: Rng) -> None:
        """Draw the proportions."""
        self._wide, self._thick = rng.uniform(0.4, 0.75), rng.uniform(0.08, 0.19)
        self._pointed = rng.random() < 0.5
        self._gap = rng.uniform(0.0, 0.04) if self._pointed or rng.random() < 0.3 else -self._thick / 2
        self._lean = rng.uniform(0.0, 0.2) if rng.random() < 0.5 else 0.0
        self._whole = rng.random() < 0.6

    def draw(self, character: str, height: float, rng: Rng) -> tuple[Ink, float]:
        """Draw a digit or a mark; ``height`` and the result are those of `edgedigits_train.scenes.writing.Writing`."""
        if character in MARKS:
            return drawn_mark(character, height, rng)
        lit = _LIT[character]
        if not self._whole and character in _OPTIONAL:
            lit = lit[: -_OPTIONAL[character]]
        room = round(0.3 * height) + 2
        field = Image.new("L", (round(self._wide * height) + 2 * room, round(height) + 2 * room))
        for bar in lit:
            start, end = np.array(_ENDS[bar], np.float64)
            points = self._bar(start, end, height)
            points[:, 0] += self._lean * (height - points[:, 1])
            ImageDraw.Draw(field).polygon([(x, y) for x, y in points + room], 255)
        top = np.flatnonzero(np.asarray(field).any(axis=1))[0]
        return trim(field), float(room + height - top)

    def _bar(self, start: NDArray[np.float64], end: NDArray[np.float64], height: float) -> NDArray[np.float64]:
        """Return the corners of a bar, float64 ``[6, 2]`` right and down in pixels."""
        thick = self._thick * height
        unit = np.array([self._wide * height - thick, (height - thick) / 2])
        start, end = start * unit + thick / 2, end * unit + thick / 2
        along = (end - start) / np.linalg.norm(end - start)
        start, end = start + self._gap * height * along, end - self._gap * height * along
        aside = thick / 2 * np.array([-along[1], along[0]])
        point = thick / 2 * along if self._pointed else 0 * along
        return np.array(
            [start, start + point + aside, end - point + aside, end, end - point - aside, start + point - aside]
        )
