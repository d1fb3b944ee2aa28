"""Layouts: what stands on a sheet, such as grids of digits, rows of numbers, prose, or a single digit.

All lengths are fine pixels, ``height`` is the height of the digits. A layout fills the sheet, so that a picture may
show any part of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from edgedigits_train.scenes.clutter import edge_lines, not_a_digit
from edgedigits_train.scenes.placing import UNLIKE, Source, draw_band, new_layer, put, put_centred
from edgedigits_train.scenes.sheet import Sheet
from edgedigits_train.scenes.typefaces import DIGITS
from edgedigits_train.scenes.words import random_number, random_word
from edgedigits_train.scenes.writing import Writing

Rng = np.random.Generator


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
    return DIGITS[rng.integers(10)] if rng.random() < 0.97 else UNLIKE[rng.integers(len(UNLIKE))]


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
            draw_band(lines, top + index * tall, thick if index % every == phase else thin, level, upright=False)
    if kind > 0.1:
        for index in range(counts[0] + 1):
            draw_band(lines, left + index * cell, thick if index % every == phase else thin, level, upright=True)
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
    boxes = new_layer(sheet) if rng.random() < 0.1 else None
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


def _rule_paper(sheet: Sheet, height: float, pitch: float, base: float, rng: Rng) -> None:
    """Draw lines below the rows, or squares of any size."""
    kind = rng.random()
    if kind > 0.5:
        return
    level, thick = round(255 * rng.uniform(0.1, 0.7)), max(1.0, rng.uniform(0.02, 0.06) * height)
    step = pitch if kind < 0.25 else height * rng.uniform(0.35, 1.3)
    lines = np.zeros_like(sheet.ink)
    for y in np.arange(base + height * rng.uniform(0, 0.15) - step, sheet.height, step):
        draw_band(lines, y, thick, level, upright=False)
    if kind >= 0.25:
        for x in np.arange(rng.uniform(0, step), sheet.width, step):
            draw_band(lines, x, thick, level, upright=True)
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
        edge_lines(sheet, height, rng)


def ghosts(sheet: Sheet, source: Source, height: float, rng: Rng) -> None:
    """Let the print of the paper's other side shine through, mirrored and soft."""
    back = Sheet((sheet.width / 2, sheet.height / 2))
    _GHOSTS[int(rng.integers(len(_GHOSTS)))](back, source, height * rng.uniform(0.6, 1.6), rng)
    soft = Image.fromarray(back.ink[:, ::-1]).filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
    sheet.add((np.asarray(soft) * np.float32(rng.uniform(0.05, 0.2))).astype(np.uint8))


_GHOSTS: tuple[Callable[[Sheet, Source, float, Rng], None], ...] = (grid, prose, numbers)
