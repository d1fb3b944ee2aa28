"""Handwriting styles: digits as they are taught in other countries than MNIST's United States, or written in haste."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgedigits_train.synthetic.ink import Ink, trim
from edgedigits_train.synthetic.strokes import WIDTHS, curve, draw_line, stroke, stroke_of

Rng = np.random.Generator

# Halves that are not digits themselves (the right half of an 8 is one). Each is a digit and the left, top, right and
# bottom of its half, as shares of its size.
HALVES = (
    (0, (0.0, 0.0, 1.0, 0.5)),
    (0, (0.0, 0.5, 1.0, 1.0)),
    (2, (0.0, 0.55, 1.0, 1.0)),
    (4, (0.0, 0.0, 1.0, 0.45)),
    (5, (0.0, 0.0, 1.0, 0.5)),
)
_ROOM = 50
_SIDE = 80


def has_styles(label: int) -> bool:
    """Return whether `draw_style` has a style of this digit."""
    return label in _STYLES


def draw_style(label: int, pick: Callable[[int, Rng], Ink], rng: Rng) -> Ink:
    """Draw a digit in one of its styles; ``pick`` gives the ink of a handwritten digit."""
    styles = _STYLES[label]
    return styles[int(rng.integers(len(styles)))](pick, rng)


def cross_seven(seven: Ink, rng: Rng) -> Ink:
    """Draw the Swiss bar through the stem of a 7."""
    grey = np.asarray(seven)
    height, width = grey.shape
    row = round(rng.uniform(0.46, 0.7) * height)
    columns = np.flatnonzero(grey[row] > 128)
    if not len(columns):
        return seven
    middle, half = float(columns.mean()), rng.uniform(0.22, 0.4) * max(width, 0.6 * height)
    tilt, aside = rng.uniform(-0.25, 0.15) * half, rng.uniform(-0.2, 0.3) * half
    ends = [[middle - half + aside, row - tilt], [middle + half + aside, row + tilt]]
    return _drawn(seven, ends, stroke_of(seven))


def flag_one(one: Ink, rng: Rng) -> Ink:
    """Add an upstroke, a base line or both to a 1."""
    grey = np.asarray(one)
    height, thick = one.height, stroke_of(one)
    top = float(np.flatnonzero(grey[_end_rows(grey)[0]] > 128).mean())
    kind = rng.random()
    if kind < 0.75:
        # The upstroke is steeper than the bar of a 7.
        angle, length = np.deg2rad(rng.uniform(35, 62)), rng.uniform(0.22, 0.5) * height
        end = [top - length * np.cos(angle), length * np.sin(angle) + thick / 2]
        one = _drawn(one, [end, [top, thick / 2]], thick)
    if kind > 0.45:
        one = underline(one, rng)
    return one


def draw_bar(rng: Rng) -> Ink:
    """Draw a 1 that is a single bar, sometimes slightly curved."""
    lean, bow = rng.normal(0, 6), rng.normal(0, 2)
    points = curve(np.array([[40 + lean, 0], [40 + bow, _SIDE / 2], [40 - lean, _SIDE]]))
    return draw_line(points, int(rng.integers(WIDTHS[0], WIDTHS[1])))


def draw_one(rng: Rng) -> Ink:
    """Draw a 1 with the long upstroke that is taught in central Europe, sometimes with a base line."""
    height, lean = float(_SIDE), rng.normal(0, 5)
    angle, length = np.deg2rad(rng.uniform(32, 64)), rng.uniform(0.3, 0.66) * height
    top = np.array([lean, 0.0])
    bow = rng.normal(0, 0.06) * length
    start = top + length * np.array([-np.cos(angle), np.sin(angle)])
    middle = (start + top) / 2 + bow * np.array([np.sin(angle), np.cos(angle)])
    flag = curve(np.array([start, middle, top]))
    points = np.concatenate([flag, [[-lean + rng.normal(0, 2), height]]])
    one = draw_line(points, _thickness(rng))
    return underline(one, rng) if rng.random() < 0.2 else one


def draw_four(rng: Rng) -> Ink:
    """Draw an open 4: one stroke goes down and to the right, another one is the stem, which is often short."""
    height = float(_SIDE)
    corner = np.array([rng.uniform(-6, 4), rng.uniform(0.5, 0.68) * height])
    top = np.array([rng.uniform(0.12, 0.38) * height, rng.uniform(0.0, 0.08) * height])
    end = corner + np.array([rng.uniform(0.5, 0.75), rng.uniform(-0.12, 0.05)]) * height
    knee = corner + np.array([rng.uniform(0, 8), rng.uniform(-8, 0)])
    angle = curve(np.array([top, (top + corner) / 2 + rng.normal(0, 3, 2), knee, end]))
    across = corner[0] + rng.uniform(0.32, 0.55) * height
    stem = [[across + rng.uniform(-2, 10), rng.uniform(0.1, 0.45) * height], [across - rng.uniform(-3, 8), height]]
    thick = _thickness(rng)
    field = Image.new("L", (_SIDE + 3 * _ROOM, _SIDE + 2 * _ROOM))
    draw = ImageDraw.Draw(field)
    for points in (angle, np.array(stem, np.float64)):
        stroke(draw, np.asarray(points + _ROOM, np.float64), thick)
    return trim(field)


def draw_seven(rng: Rng) -> Ink:
    """Draw a 7 that begins with a hook and is round or angular at the top, most often with the Swiss bar."""
    height = float(_SIDE)
    wide, drop = rng.uniform(0.35, 0.7) * height, rng.uniform(0.05, 0.4) * height
    foot = np.array([rng.uniform(0.25, 1.0) * wide, height])
    shoulder = np.array([wide, rng.uniform(0.0, 0.12) * height])
    hook = curve(
        np.array([[0, drop], [rng.uniform(0, 0.12) * wide, 0.3 * drop], [rng.uniform(0.3, 0.5) * wide, 0], shoulder])
    )
    knee = (shoulder + foot) / 2 + rng.normal(0, 0.05, 2) * height
    if rng.random() < 0.5:
        path = curve(np.concatenate([hook[:: len(hook) // 4], [knee, foot]]))
    else:
        path = np.concatenate([hook, curve(np.array([shoulder, knee, foot]))])
    seven = draw_line(path, _thickness(rng))
    # Without a bar a narrow one is a 1.
    return cross_seven(seven, rng) if wide < 0.5 * height or rng.random() < 0.6 else seven


def draw_three(rng: Rng) -> Ink:
    """Draw a 3 with a flat top and a corner at its right."""
    height = float(_SIDE)
    wide = rng.uniform(0.4, 0.65) * height
    corner = np.array([wide, rng.uniform(-0.03, 0.05) * height])
    waist = np.array([rng.uniform(0.2, 0.5) * wide, rng.uniform(0.36, 0.46) * height])
    belly = [
        [wide * rng.uniform(0.95, 1.15), 0.62 * height],
        [0.6 * wide, height],
        [0, rng.uniform(0.82, 0.97) * height],
    ]
    bowl = curve(np.array([waist, *belly]))
    return draw_line(np.concatenate([[[0, rng.uniform(0, 0.06) * height], corner], bowl]), _thickness(rng))


def draw_eight(rng: Rng) -> Ink:
    """Draw an 8 of two rings, one on the other, which may miss each other a little."""
    height, thick = float(_SIDE), _thickness(rng)
    split = rng.uniform(0.42, 0.52) * height
    angles = np.linspace(0, 2 * np.pi, 40)[:, np.newaxis]
    field = Image.new("L", (_SIDE + 2 * _ROOM, _SIDE + 2 * _ROOM))
    for top, bottom in ((0.0, split), (split + rng.uniform(-0.1, 0.03) * height, height)):
        half = np.array([rng.uniform(0.75, 1.1), 1.0]) * (bottom - top) / 2
        middle = np.array([0.3 * height + rng.normal(0, 2), (top + bottom) / 2])
        ring = middle + half * np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
        stroke(ImageDraw.Draw(field), np.asarray(ring + _ROOM, np.float64), thick)
    return trim(field)


def hook_nine(nine: Ink, rng: Rng) -> Ink:
    """Extend the tail of a 9 to the left along the base line."""
    height, thick = nine.height, stroke_of(nine)
    foot = np.array([_foot(nine), height - thick / 2])
    reach = rng.uniform(0.2, 0.48)
    path = [[rng.uniform(0, 0.05), -0.12], [-0.25 * reach, rng.uniform(0, 0.05)], [-reach, rng.uniform(-0.08, 0.05)]]
    points = curve(foot + height * np.array(path))
    return _drawn(nine, points, thick)


def halve_digit(pick: Callable[[int, Rng], Ink], rng: Rng) -> Ink:
    """Draw a half of a digit that is not a digit itself."""
    label, (left, top, right, bottom) = HALVES[int(rng.integers(len(HALVES)))]
    ink = pick(label, rng)
    width, height = ink.size
    return trim(ink.crop((round(left * width), round(top * height), round(right * width), round(bottom * height))))


def underline(one: Ink, rng: Rng) -> Ink:
    """Draw a base line under a 1."""
    thick = stroke_of(one)
    middle, half, row = _foot(one), rng.uniform(0.16, 0.32) * one.height, one.height - thick / 2
    return _drawn(one, [[middle - half, row], [middle + half, row]], thick)


def open_top(round_digit: Ink, rng: Rng) -> Ink:
    """Leave a gap at the top of a 0 or an 8, where the pen set out and did not come back to."""
    opened = round_digit.copy()
    width, height = opened.size
    middle = width * rng.uniform(0.4, 0.75)
    lean = rng.uniform(-0.1, 0.3) * width
    gap = max(2, round(height * rng.uniform(0.05, 0.14)))
    ImageDraw.Draw(opened).line((middle + lean, -gap, middle, height * rng.uniform(0.15, 0.24)), 0, gap)
    return trim(opened)


def _thickness(rng: Rng) -> int:
    return int(rng.integers(WIDTHS[0], WIDTHS[1]))


def _drawn(ink: Ink, points: list[list[float]] | NDArray[np.float64], thick: int) -> Ink:
    field = Image.new("L", (ink.width + 2 * _ROOM, ink.height + 2 * _ROOM))
    field.paste(ink, (_ROOM, _ROOM))
    stroke(ImageDraw.Draw(field), np.array(points, np.float64) + _ROOM, thick)
    return trim(field)


def _end_rows(grey: NDArray[np.uint8]) -> tuple[int, int]:
    rows = np.flatnonzero((grey > 128).any(axis=1))
    inset = min(2, len(rows) // 4)
    return int(rows[inset]), int(rows[-1 - inset])


def _foot(ink: Ink) -> float:
    """Return the column of the lowest ink, in pixels from the left."""
    grey = np.asarray(ink)
    return float(np.flatnonzero(grey[_end_rows(grey)[1]] > 128).mean())


# The styles of each digit. Those that stand twice are more common.
_STYLES: dict[int, tuple[Callable[[Callable[[int, Rng], Ink], Rng], Ink], ...]] = {
    0: (lambda pick, rng: open_top(pick(0, rng), rng),),
    1: (
        lambda pick, rng: flag_one(pick(1, rng), rng),
        lambda _, rng: draw_one(rng),
        lambda _, rng: draw_one(rng),
        lambda _, rng: draw_bar(rng),
    ),
    3: (lambda _, rng: draw_three(rng),),
    4: (lambda _, rng: draw_four(rng),),
    7: (lambda pick, rng: cross_seven(pick(7, rng), rng), lambda _, rng: draw_seven(rng)),
    8: (lambda pick, rng: open_top(pick(8, rng), rng), lambda _, rng: draw_eight(rng)),
    9: (lambda pick, rng: hook_nine(pick(9, rng), rng),),
}
