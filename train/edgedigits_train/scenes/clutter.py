"""Clutter: letters, shapes and lines that are no digits, alone or all over a sheet."""

from __future__ import annotations

import numpy as np

from edgedigits_train.scenes.placing import UNLIKE, Source, new_layer, put_centred
from edgedigits_train.scenes.sheet import OTHER, Sheet
from edgedigits_train.synthetic.handwriting import halve_digit
from edgedigits_train.synthetic.ink import Ink
from edgedigits_train.synthetic.strokes import curve, draw_cross, draw_dots, draw_scribble, stroke

Rng = np.random.Generator


def clutter(sheet: Sheet, source: Source, height: float, rng: Rng) -> None:
    """Draw lines, curves, pieces of ruling, letters and halves of digits, but no digits."""
    kind = rng.random()
    if kind < 0.3:
        for _ in range(int(rng.integers(2, 12))):
            not_a_digit(sheet, source, tuple(rng.uniform(0, (sheet.width, sheet.height))), height, rng)
    elif kind < 0.55:
        lines, draw = new_layer(sheet)
        for _ in range(int(rng.integers(1, 7))):
            points = curve(np.cumsum(rng.normal(0, rng.uniform(10, 60), (int(rng.integers(3, 9)), 2)), axis=0))
            stroke(draw, points + rng.uniform(0, (sheet.width, sheet.height)), int(rng.integers(1, 14)))
        sheet.add(lines)
    elif kind < 0.8:
        for _ in range(int(rng.integers(1, 5))):
            _long_line(sheet, rng)
    else:
        for _ in range(int(rng.integers(2, 10))):
            piece(sheet, tuple(rng.uniform(0, (sheet.width, sheet.height))), height, rng)


def not_a_digit(sheet: Sheet, source: Source, at: tuple[float, float], height: float, rng: Rng) -> None:
    """Draw a letter, a half of a digit, a scribble, a bar, a corner or a T near ``at``."""
    kind = rng.random()
    if kind < 0.45:
        character = UNLIKE[rng.integers(len(UNLIKE))]
        put_centred(sheet, source.print(rng), character, at, height, rng.uniform(0.3, 1), rng)
        return
    if kind < 0.55:
        ink = halve_digit(source.digits.pick, rng)
        if ink.height < 0.8 * ink.width:  # flat halves alone: the right half of an 8 or a 0 may be a 3 or a bracket
            ink = ink.resize((round(height * 0.7), max(1, round(height * 0.7 * ink.height / ink.width))))
            _put_shape(sheet, ink, at, height, rng)
        return
    if kind < 0.75:
        ink = (draw_scribble, draw_cross, draw_dots)[int(rng.integers(3))](rng)
        ink = ink.resize((max(1, round(height * ink.width / ink.height)), max(1, round(height))))
        _put_shape(sheet, ink, at, height, rng)
        return
    piece(sheet, at, height, rng)


def piece(sheet: Sheet, at: tuple[float, float], height: float, rng: Rng) -> None:
    """Draw a level bar, a corner, a T or a cross of ruled lines; an upright bar alone is longer than a 1 may be."""
    x, y = at
    reach = height * rng.uniform(0.35, 1.5, 4)
    thick = max(1, round(height * rng.uniform(0.03, 0.2)))
    level = round(255 * rng.uniform(0.3, 1))
    arms = [(x - reach[0], y, x, y), (x, y, x + reach[1], y), (x, y - reach[2], x, y), (x, y, x, y + reach[3])]
    shapes = ((0, 1), (0, 2), (1, 2), (0, 3), (0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3))
    lines, draw = new_layer(sheet)
    for arm in shapes[int(rng.integers(len(shapes)))]:
        draw.line(arms[arm], level, thick)
    sheet.add(lines)


def _put_shape(sheet: Sheet, ink: Ink, at: tuple[float, float], height: float, rng: Rng) -> None:
    corner = at[0] - ink.width / 2, at[1] - ink.height / 2
    sheet.stamp(ink, corner, rng.uniform(0.3, 1), OTHER, height, printed=False)


def edge_lines(sheet: Sheet, height: float, rng: Rng) -> None:
    """Draw lines along the edges, as of a cell that was cut out a little too large."""
    thick = max(1, round(height * rng.uniform(0.02, 0.14)))
    level = round(255 * rng.uniform(0.3, 1))
    inset = rng.uniform(-0.03, 0.08, 4) * min(sheet.width, sheet.height)
    right, bottom = sheet.width - 1, sheet.height - 1
    lean = rng.normal(0, 0.02) * right
    lines = (
        (0, inset[0], right, inset[0] + lean), (0, bottom - inset[1], right, bottom - inset[1] + lean),
        (inset[2], 0, inset[2] - lean, bottom), (right - inset[3], 0, right - inset[3] - lean, bottom),
    )  # fmt: skip
    layer, draw = new_layer(sheet)
    for line in rng.permutation(4)[: int(rng.integers(1, 5))]:
        draw.line(lines[line], level, thick)
    sheet.add(layer)


def _long_line(sheet: Sheet, rng: Rng) -> None:
    """Draw parallel lines through the whole sheet: an edge, a frame, or stripes."""
    reach = sheet.width + sheet.height
    angle = rng.uniform(0, np.pi) if rng.random() < 0.4 else int(rng.integers(2)) * np.pi / 2 + rng.normal(0, 0.04)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    start, step = rng.uniform(0, (sheet.width, sheet.height)), rng.uniform(15, 500)
    level, thick = round(255 * rng.uniform(0.2, 1)), int(rng.integers(1, 16))
    lines, draw = new_layer(sheet)
    for index in range(int(rng.integers(1, 12))):
        middle = start + index * step * across
        draw.line((*(middle - reach * along), *(middle + reach * along)), level, thick)
    sheet.add(lines)
