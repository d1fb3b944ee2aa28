"""Layouts: what stands on a sheet, such as grids of digits, rows of numbers, prose, or a single digit.

All lengths are fine pixels, ``height`` is the height of the digits. A layout fills the sheet, so that a picture may
show any part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from edgedigits_train.scenes.sheet import MARK, OTHER, Sheet
from edgedigits_train.scenes.typefaces import DIGITS
from edgedigits_train.scenes.writing import MARKS, Digits, Pen, Print, Writing
from edgedigits_train.synthetic.handwriting import halve_digit
from edgedigits_train.synthetic.ink import Ink
from edgedigits_train.synthetic.strokes import curve, draw_cross, draw_dots, draw_scribble, stroke

Rng = np.random.Generator

# Letters and signs that nobody takes for a digit or a mark when they stand alone.
_UNLIKE = "ACDEFGHJKLMNPQRTUVWXYacdefhjkmnprtuvwxy?!&%#@*+=<>()[]{}$"
# Letters in about the frequencies of several European languages, for words that nobody has to read.
_COMMON = (
    "eeeeeeeeeeeetttttttaaaaaaaaaaooooooooiiiiiiiinnnnnnnnssssssssrrrrrrrrhhhhllllllddddcccuuuummmffppggwwyybbvvkxjqz"
)
_ACCENTED = "äöüéèàçñøåßœ"


class Source(NamedTuple):
    """What can be written with: handwritten digits, and the files of typefaces."""

    digits: Digits
    fonts: tuple[str, ...]

    def pen(self, rng: Rng) -> Pen:
        """Return a new writer."""
        return Pen(self.digits, rng)

    def print(self, rng: Rng) -> Print:
        """Return a random typeface."""
        return Print(self.fonts[int(rng.integers(len(self.fonts)))], rng)

    def either(self, rng: Rng) -> Writing:
        """Return a writer or a typeface."""
        return self.pen(rng) if rng.random() < 0.6 else self.print(rng)


def put(sheet: Sheet, writing: Writing, character: str, at: tuple[float, float], height: float, rng: Rng) -> float:
    """Write a character with its left end and base line at ``at`` and return its width."""
    ink, rise = writing.draw(character, height, rng)
    sheet.stamp(ink, (at[0], at[1] - rise), rng.uniform(0.85, 1), label_of(character), height, printed=writing.letters)
    return float(ink.width)


def put_centred(
    sheet: Sheet, writing: Writing, character: str, at: tuple[float, float], height: float, depth: float, rng: Rng
) -> None:
    """Write a character with its middle at ``at``."""
    ink, _ = writing.draw(character, height, rng)
    corner = at[0] - ink.width / 2, at[1] - ink.height / 2
    sheet.stamp(ink, corner, depth, label_of(character), height, printed=writing.letters)


def label_of(character: str) -> int | None:
    """Return the label of a character: a digit's value, `MARK`, `OTHER`, or None for what may look like a digit."""
    if character in DIGITS:
        return int(character)
    if character in MARKS:
        return MARK
    return OTHER if character in _UNLIKE else None


def grid(sheet: Sheet, source: Source, height: float, rng: Rng, *, middle: str | None = None) -> None:
    """Draw a ruled grid with digits in its cells, as of puzzles and forms; ``middle`` is what stands in the middle.

    An empty ``middle`` leaves the cell in the middle empty.
    """
    cell = height * rng.uniform(1.2, 2.4)
    tall = cell * (rng.uniform(0.85, 1.2) if rng.random() < 0.3 else 1)
    across, down = int(sheet.width / cell) + 2, int(sheet.height / tall) + 2
    left = sheet.width / 2 - (across // 2 + 0.5) * cell
    top = sheet.height / 2 - (down // 2 + 0.5) * tall
    if middle is None:
        left, top = left + rng.uniform(-cell, 0), top + rng.uniform(-tall, 0)
    _shade_cells(sheet, (left, top, cell, tall), (across, down), rng)
    _rule(sheet, (left, top, cell, tall), (across, down), rng)
    pen, typeface = source.pen(rng), source.print(rng)
    printed, filled = float(rng.choice([0, 1, 1, 0.4])), rng.uniform(0.2, 1)
    pen_depth, print_depth = rng.uniform(0.25, 0.95), rng.uniform(0.5, 1)
    size = height * rng.uniform(0.85, 1.1)
    play = (0.12 if rng.random() < 0.8 else 0.22) * (cell - 0.7 * height)
    for row in range(down):
        for column in range(across):
            is_middle = middle is not None and (row, column) == (down // 2, across // 2)
            character = middle if is_middle else _cell_content(filled, rng)
            if not character:
                continue
            is_print = rng.random() < printed or character not in DIGITS
            writing, depth = (typeface, print_depth) if is_print else (pen, pen_depth)
            shift = rng.normal(0, play / (4 if is_print else 2), 2)
            at = left + (column + 0.5) * cell + shift[0], top + (row + 0.5) * tall + shift[1]
            put_centred(sheet, writing, character, at, size if is_print else height, depth, rng)


def _cell_content(filled: float, rng: Rng) -> str:
    if rng.random() >= filled:
        return ""
    return DIGITS[rng.integers(10)] if rng.random() < 0.97 else _UNLIKE[rng.integers(len(_UNLIKE))]


def _rule(sheet: Sheet, place: tuple[float, float, float, float], counts: tuple[int, int], rng: Rng) -> None:
    """Draw the lines of a grid, some of them thicker, sometimes those of one direction alone, dashed or none."""
    left, top, cell, tall = place
    thin = max(1.0, rng.uniform(0.012, 0.06) * cell)
    thick = thin * rng.uniform(1.3, 3.5)
    every, phase = (3 if rng.random() < 0.65 else 99), int(rng.integers(3))
    level = round(255 * rng.uniform(0.2, 1))
    kind = rng.random()
    lines = np.zeros_like(sheet.ink)
    if kind > 0.04:
        for index in range(counts[1] + 1):
            _band(lines, top + index * tall, thick if index % every == phase else thin, level, upright=False)
    if kind > 0.1:
        for index in range(counts[0] + 1):
            _band(lines, left + index * cell, thick if index % every == phase else thin, level, upright=True)
    sheet.add(lines)


def _shade_cells(sheet: Sheet, place: tuple[float, float, float, float], counts: tuple[int, int], rng: Rng) -> None:
    """Tint some of the cells of a grid, or blocks of three by three."""
    if rng.random() > 0.3:
        return
    left, top, cell, tall = place
    blocks, level, share = rng.random() < 0.4, round(255 * rng.uniform(0.06, 0.5)), rng.uniform(0.1, 0.6)
    for row in range(counts[1]):
        for column in range(counts[0]):
            if (row // 3 + column // 3) % 2 if blocks else rng.random() < share:
                x, y = left + column * cell, top + row * tall
                sheet.tint((x, y, x + cell, y + tall), level)


def numbers(sheet: Sheet, source: Source, height: float, rng: Rng) -> None:
    """Write rows of numbers with their marks, on plain, ruled or squared paper, sometimes with words between them."""
    writing = source.either(rng)
    pitch = height * rng.uniform(1.35, 2.4)
    base = rng.uniform(0, pitch)
    _rule_paper(sheet, height, pitch, base, rng)
    gap = height * rng.uniform(0.04, 0.4)
    words = rng.uniform(0.1, 0.5) if writing.letters and rng.random() < 0.4 else 0
    boxes = _layer(sheet) if rng.random() < 0.1 else None
    while base < sheet.height + height:
        x = -rng.uniform(0, 2) * height
        while x < sheet.width:
            text = random_word(rng) if rng.random() < words else random_number(rng)
            x = _write(sheet, writing, text, (x, base), height, gap, rng, boxes=boxes[1] if boxes else None)
            x += height * rng.uniform(0.6, 2.5)
        base += pitch
    if boxes:
        sheet.add(boxes[0])


def _write(
    sheet: Sheet,
    writing: Writing,
    text: str,
    at: tuple[float, float],
    height: float,
    gap: float,
    rng: Rng,
    *,
    boxes: ImageDraw.ImageDraw | None = None,
) -> float:
    """Write a word and return where it ends; ``boxes`` draws a box around each character, as on forms."""
    x, base = at
    for character in text:
        if boxes:
            side = height * 1.4
            frame = (x - gap, base - height * 1.2, x - gap + side, base + height * 0.2)
            boxes.rectangle(frame, None, round(255 * rng.uniform(0.3, 0.8)), max(1, round(0.04 * height)))
        wide = put(sheet, writing, character, (x, base + rng.normal(0, 0.015) * height), height, rng)
        if boxes:
            x += height * 1.4
        elif rng.random() < 0.05:
            x += wide - rng.uniform(0.02, 0.1) * height  # it touches the next one
        else:
            x += wide + gap * rng.uniform(0.6, 1.4)
    return x


def random_number(rng: Rng) -> str:
    """Return a number as people write them: often digits alone, else with a sign, a point, or as a date or time."""

    def digits(low: int, high: int) -> str:
        return "".join(DIGITS[i] for i in rng.integers(0, 10, int(rng.integers(low, high + 1))))

    match int(rng.integers(10)):
        case 0:
            return f"{digits(1, 3)}{',' if rng.random() < 0.5 else '.'}{digits(1, 2)}"
        case 1:
            return f"-{digits(1, 4)}"
        case 2:
            mark = MARKS[int(rng.integers(len(MARKS)))]
            return mark.join((digits(1, 2), digits(2, 2), *([digits(2, 4)] if rng.random() < 0.4 else [])))
        case _:
            return digits(1, 8)


def random_word(rng: Rng) -> str:
    """Return letters in the lengths and frequencies of words."""
    letters = [_COMMON[i] for i in rng.integers(0, len(_COMMON), int(rng.integers(1, 11)))]
    if rng.random() < 0.1:
        letters[-1] = _ACCENTED[rng.integers(len(_ACCENTED))]
    word = "".join(letters)
    kind = rng.random()
    return word.capitalize() if kind < 0.15 else word.upper() if kind < 0.25 else word


def _rule_paper(sheet: Sheet, height: float, pitch: float, base: float, rng: Rng) -> None:
    """Draw lines below the rows, or squares of any size."""
    kind = rng.random()
    if kind > 0.5:
        return
    level, thick = round(255 * rng.uniform(0.1, 0.7)), max(1.0, rng.uniform(0.02, 0.06) * height)
    step = pitch if kind < 0.25 else height * rng.uniform(0.35, 1.3)
    lines = np.zeros_like(sheet.ink)
    for y in np.arange(base + height * rng.uniform(0, 0.15) - step, sheet.height, step):
        _band(lines, y, thick, level, upright=False)
    if kind >= 0.25:
        for x in np.arange(rng.uniform(0, step), sheet.width, step):
            _band(lines, x, thick, level, upright=True)
    sheet.add(lines)


def prose(sheet: Sheet, source: Source, height: float, rng: Rng) -> None:
    """Print running text, with a number here and there; all of its letters are to be passed over."""
    writing = source.print(rng)
    pitch, depth_of_numbers = height * rng.uniform(1.4, 2.2), rng.uniform(0, 0.2)
    space, gap = height * rng.uniform(0.3, 0.6), height * rng.uniform(0.06, 0.16)
    base = rng.uniform(0, pitch)
    while base < sheet.height + height:
        x = -rng.uniform(0, 2) * height
        while x < sheet.width:
            is_number = rng.random() < depth_of_numbers
            text = random_number(rng) if is_number else random_word(rng)
            if not is_number and rng.random() < 0.15:
                text += ".,:;!?)"[int(rng.integers(7))]
            x = _write(sheet, writing, text, (x, base), height, gap, rng) + space
        base += pitch


def alone(sheet: Sheet, source: Source, height: float, rng: Rng, *, empty: bool) -> None:
    """Draw one digit in the middle of plain ground, or nothing, or a letter that is no digit; lines may be near."""
    middle = sheet.width / 2, sheet.height / 2
    if not empty:
        put_centred(sheet, source.either(rng), DIGITS[rng.integers(10)], middle, height, rng.uniform(0.3, 1), rng)
    elif rng.random() < 0.5:
        shift = rng.normal(0, 0.1, 2) * height
        not_a_digit(sheet, source, (middle[0] + shift[0], middle[1] + shift[1]), height, rng)
    if rng.random() < 0.3:
        _edge_lines(sheet, height, rng)


def not_a_digit(sheet: Sheet, source: Source, at: tuple[float, float], height: float, rng: Rng) -> None:
    """Draw a letter, a half of a digit, a scribble, a bar, a corner or a T near ``at``."""
    kind = rng.random()
    if kind < 0.45:
        character = _UNLIKE[rng.integers(len(_UNLIKE))]
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


def _put_shape(sheet: Sheet, ink: Ink, at: tuple[float, float], height: float, rng: Rng) -> None:
    corner = at[0] - ink.width / 2, at[1] - ink.height / 2
    sheet.stamp(ink, corner, rng.uniform(0.3, 1), OTHER, height, printed=False)


def piece(sheet: Sheet, at: tuple[float, float], height: float, rng: Rng) -> None:
    """Draw a level bar, a corner, a T or a cross of ruled lines; an upright bar alone is longer than a 1 may be."""
    x, y = at
    reach = height * rng.uniform(0.35, 1.5, 4)
    thick = max(1, round(height * rng.uniform(0.03, 0.2)))
    level = round(255 * rng.uniform(0.3, 1))
    arms = [(x - reach[0], y, x, y), (x, y, x + reach[1], y), (x, y - reach[2], x, y), (x, y, x, y + reach[3])]
    shapes = ((0, 1), (0, 2), (1, 2), (0, 3), (0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3))
    lines, draw = _layer(sheet)
    for arm in shapes[int(rng.integers(len(shapes)))]:
        draw.line(arms[arm], level, thick)
    sheet.add(lines)


def _edge_lines(sheet: Sheet, height: float, rng: Rng) -> None:
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
    layer, draw = _layer(sheet)
    for line in rng.permutation(4)[: int(rng.integers(1, 5))]:
        draw.line(lines[line], level, thick)
    sheet.add(layer)


def clutter(sheet: Sheet, source: Source, height: float, rng: Rng) -> None:
    """Draw lines, curves, pieces of ruling, letters and halves of digits, but no digits."""
    kind = rng.random()
    if kind < 0.3:
        for _ in range(int(rng.integers(2, 12))):
            not_a_digit(sheet, source, tuple(rng.uniform(0, (sheet.width, sheet.height))), height, rng)
    elif kind < 0.55:
        lines, draw = _layer(sheet)
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


def _long_line(sheet: Sheet, rng: Rng) -> None:
    """Draw parallel lines through the whole sheet: an edge, a frame, or stripes."""
    reach = sheet.width + sheet.height
    angle = rng.uniform(0, np.pi) if rng.random() < 0.4 else int(rng.integers(2)) * np.pi / 2 + rng.normal(0, 0.04)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    start, step = rng.uniform(0, (sheet.width, sheet.height)), rng.uniform(15, 500)
    level, thick = round(255 * rng.uniform(0.2, 1)), int(rng.integers(1, 16))
    lines, draw = _layer(sheet)
    for index in range(int(rng.integers(1, 12))):
        middle = start + index * step * across
        draw.line((*(middle - reach * along), *(middle + reach * along)), level, thick)
    sheet.add(lines)


def _band(lines: NDArray[np.uint8], middle: float, thick: float, level: int, *, upright: bool) -> None:
    """Draw one upright or level line through a whole layer."""
    first, last = max(0, round(middle - thick / 2)), max(0, round(middle + thick / 2))
    rows = lines.T if upright else lines
    rows[first : max(last, first + 1)] = level


def _layer(sheet: Sheet) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty image as large as the sheet, and what draws on it."""
    layer = Image.new("L", (sheet.width, sheet.height))
    return layer, ImageDraw.Draw(layer)


def ghosts(sheet: Sheet, source: Source, height: float, rng: Rng) -> None:
    """Let the print of the paper's other side shine through, mirrored and soft."""
    back = Sheet((sheet.width / 2, sheet.height / 2))
    _GHOSTS[int(rng.integers(len(_GHOSTS)))](back, source, height * rng.uniform(0.6, 1.6), rng)
    soft = Image.fromarray(back.ink[:, ::-1]).filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
    sheet.add((np.asarray(soft) * np.float32(rng.uniform(0.05, 0.2))).astype(np.uint8))


_GHOSTS: tuple[Callable[[Sheet, Source, float, Rng], None], ...] = (grid, prose, numbers)
__all__ = ["Source", "alone", "clutter", "ghosts", "grid", "numbers", "prose"]
