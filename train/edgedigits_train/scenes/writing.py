"""Writing: characters in the hand of one writer or in one typeface, as ink of a wanted height."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgedigits.datasets import Dataset
from edgedigits_train.scenes.typefaces import digit_height, glyph, load_font
from edgedigits_train.synthetic.handwriting import draw_style, has_styles
from edgedigits_train.synthetic.ink import Ink, distort, from_mnist, trim
from edgedigits_train.synthetic.strokes import curve, draw_line

Rng = np.random.Generator

MARKS = "-.,:/"
# The share of handwritten digits in a style that MNIST lacks, of those that have one.
_STYLES = 0.22
# How many digits of each label and kind of pen are kept, and the share that is drawn anew.
_KEPT, _FRESH = 8, 0.2


class Writing(Protocol):
    """Draws characters that belong together.

    ``draw`` returns ink and how far its top is above the base line, both in the unit of ``height``, which is that of
    the digits; a Writing may lack letters.
    """

    letters: bool

    def draw(self, character: str, height: float, rng: Rng) -> tuple[Ink, float]:
        """Draw one character."""
        ...


class Digits:
    """The handwritten digits of a data set, by label, and distorted ones that several writers may share.

    Distorting ink takes longer than all else of a scene. So a writer has one of a few kinds of pen, and a digit that
    another writer with such a pen has written is used again a few times, in another size and place.
    """

    def __init__(self, data: Dataset) -> None:
        """Sort the images by label."""
        self._images = data.images[..., 0]
        self._rows = [np.flatnonzero(data.labels == label) for label in range(10)]
        self._kept: dict[tuple[int, int], list[Ink]] = {}

    def pick(self, label: int, rng: Rng) -> Ink:
        """Return the ink of a random digit with that label."""
        rows = self._rows[label]
        return from_mnist(self._images[rows[rng.integers(len(rows))]])

    def written(self, label: int, pen: int, rng: Rng) -> Ink:
        """Return a distorted digit as a pen of that kind writes it, about 80 pixels tall."""
        kept = self._kept.setdefault((pen, label), [])
        if len(kept) >= _KEPT and rng.random() > _FRESH:
            return kept[int(rng.integers(_KEPT))]
        ink = self._write(label, pen, rng)
        if len(kept) < _KEPT:
            kept.append(ink)
        else:
            kept[int(rng.integers(_KEPT))] = ink
        return ink

    def _write(self, label: int, pen: int, rng: Rng) -> Ink:
        ink = self.pick(label, rng)
        if has_styles(label) and rng.random() < _STYLES:
            ink = draw_style(label, self.pick, rng)
        ink = distort(ink, rng)
        return _STROKES[pen].change(ink) if pen < len(_STROKES) else ink


class Pen:
    """One writer's pen: handwritten digits of a data set, with strokes of about one width, and drawn marks."""

    letters = False

    def __init__(self, digits: Digits, rng: Rng) -> None:
        """Draw the kind of pen, and how much the heights of the digits vary."""
        self._digits = digits
        self._spread = rng.uniform(0.02, 0.12)
        self._kind = int(rng.integers(len(_STROKES) + 3))

    def draw(self, character: str, height: float, rng: Rng) -> tuple[Ink, float]:
        """Draw a digit or a mark."""
        if character in MARKS:
            return drawn_mark(character, height, rng)
        ink = self._digits.written(int(character), self._kind, rng)
        tall = height * float(np.exp(rng.normal(0, self._spread)))
        # Very wide ink was a lying digit: it is kept within its line.
        scaled = _scaled(ink, min(tall / ink.height, 1.6 * height / ink.width))
        return scaled, scaled.height + rng.normal(0, 0.03) * height


class Print:
    """A typeface, with strokes that ink may have made wider or narrower."""

    letters = True

    def __init__(self, font: str, rng: Rng, *, changed: float = 0.4) -> None:
        """Take a font; with a chance of ``changed`` its strokes are changed."""
        self._font, self._share = font, digit_height(font)
        self._stroke = _Stroke(rng, 0.6) if rng.random() < changed else None
        slant = rng.random()
        self._drawn: dict[tuple[str, float], tuple[Ink, float]] = {}
        self._aspect = float(np.exp(rng.normal(0, 0.12))) if slant < 0.3 else 1.0

    def draw(self, character: str, height: float, rng: Rng) -> tuple[Ink, float]:
        """Draw any character that the font has."""
        del rng  # print repeats itself
        key = character, height
        if key not in self._drawn:
            self._drawn[key] = self._draw(*key)
        return self._drawn[key]

    def _draw(self, character: str, height: float) -> tuple[Ink, float]:
        font = load_font(self._font, max(4, round(height / self._share)))
        ink = glyph(font, character)
        rise = -float(font.getbbox(character, anchor="ls")[1])
        if self._aspect != 1:
            ink = ink.resize((max(1, round(ink.width * self._aspect)), ink.height), Image.Resampling.BILINEAR)
        if self._stroke and height >= 16:
            before = ink.height
            ink = self._stroke.change(ink, height / 80)
            rise += (ink.height - before) / 2
        return ink, rise


class _Stroke:
    """A change of the width of strokes: a blur, then a threshold."""

    def __init__(self, rng: Rng, share: float = 1.0) -> None:
        self._radius = rng.uniform(1.0, 3.5) * share
        level, gain = rng.uniform(40, 165), rng.uniform(1.8, 3.5)
        self._table = np.clip((np.arange(256) - level) * gain + 128, 0, 255).astype(np.uint8)

    def change(self, ink: Ink, scale: float = 1.0) -> Ink:
        """Change ink of which ``scale`` is the resolution, where 1 means digits 80 pixels tall."""
        radius = self._radius * scale
        room = int(np.ceil(2 * radius))
        wide = Image.new("L", (ink.width + 2 * room, ink.height + 2 * room))
        wide.paste(ink, (room, room))
        changed = Image.fromarray(self._table[np.asarray(wide.filter(ImageFilter.GaussianBlur(radius)))])
        # Hairlines must not break.
        return trim(changed) if _area(changed) >= 0.6 * _area(ink) else ink


# The kinds of pens that change the strokes; those beyond leave them as they are.
_STROKES = tuple(_Stroke(np.random.default_rng(seed)) for seed in range(13))


def drawn_mark(character: str, height: float, rng: Rng) -> tuple[Ink, float]:
    """Draw a mark with strokes; the result's height above the base line is exact."""
    thick = max(1, round(height * rng.uniform(0.08, 0.16)))
    match character:
        case "-":
            width, tilt = rng.uniform(0.3, 0.7) * height, rng.normal(0, 0.04) * height
            ink, rise = _line([[0, 0], [width, tilt]], thick), rng.uniform(0.4, 0.6) * height
        case "/":
            lean = rng.uniform(0.15, 0.5) * height
            ink, rise = _line([[lean, 0], [0, height * rng.uniform(0.95, 1.3)]], thick), 1.1 * height
        case ",":
            drop = rng.uniform(0.12, 0.3) * height
            ink, rise = _line([[drop * rng.uniform(0.1, 0.5), 0], [0, drop]], thick), rng.uniform(0.05, 0.15) * height
        case _:
            dot = _line([[0, 0], [rng.uniform(0, 0.05) * height, rng.uniform(0, 0.05) * height]], round(thick * 1.2))
            if character == ".":
                return dot, dot.height + rng.normal(0, 0.02) * height
            gap = round(rng.uniform(0.3, 0.5) * height)
            ink = Image.new("L", (dot.width, gap + dot.height))
            ink.paste(dot, (0, 0))
            ink.paste(dot, (0, gap))
            rise = ink.height + rng.uniform(0, 0.2) * height
    return ink, rise


def _line(points: list[list[float]], thick: int) -> Ink:
    path: NDArray[np.float64] = np.array(points, np.float64)
    return draw_line(curve(path) if len(path) > 2 else path, thick)


def _scaled(ink: Ink, factor: float) -> Ink:
    size = max(1, round(ink.width * factor)), max(1, round(ink.height * factor))
    return ink.resize(size, Image.Resampling.BILINEAR)


def _area(ink: Ink) -> int:
    return int(np.count_nonzero(np.asarray(ink) > 127))
