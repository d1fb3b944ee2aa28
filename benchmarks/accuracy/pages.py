"""Generated pages, drawn with plain Pillow: ordinary print without digits, and numbers, printed or by hand.

Print is in typefaces that training did not use, handwriting is of MNIST's test digits. Pages are then made a little
crooked, unevenly lit, soft and grainy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.accuracy.canvas import digits
from benchmarks.accuracy.faces import face_files
from benchmarks.accuracy.samples import Grey

WIDTH, HEIGHT, MARGIN = 1000, 760, 60
# Ordinary words, and some with letters that look like digits.
WORDS = """
the of and to in is that for it with as was on are by this be at from or have an they which one you were all her
she there would their we him been has when who will no more if out so up said what its about than into them can
only other time new some could these two may first then do any like my now over such our man me even most made
after also did many off before must well back through years where much your way down should because long each
just those people too Mr how little state good very make world still see own work men day here get old life
both between being under three never know same last another while us might great year go come since against
right came take used himself few house use during without again place American around however home small found
Boston Igloo Oslo Siegel sizzle obligatory Zoological bilingual quibble Lisbon soil gold bill
"""
Ink = NDArray[np.uint8]
Word = Callable[[np.random.Generator], str]
PutText = Callable[[str], Ink]


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A page: its picture uint8 ``[H, W]``, and what stands there, words parted by spaces and lines by line ends."""

    image: Grey
    text: str


def text_pages(seed: int, count: int) -> Iterator[DrawnPage]:
    """Yield pages of ordinary words without any digit.

    Raises
    ------
    TargetError: the typefaces cannot be fetched.

    """
    for number in range(count):
        rng = np.random.default_rng((seed, 10, number))
        size = int(rng.integers(18, 44))
        put = _printer(rng, size)
        yield _page(put, ordinary_word, round(0.35 * size), round(1.5 * size), rng)


def number_pages(seed: int, count: int, *, by_hand: bool, marks: bool) -> Iterator[DrawnPage]:
    """Yield pages of numbers, with or without marks in them.

    Raises
    ------
    TargetError: the typefaces cannot be fetched.

    """
    for number in range(count):
        rng = np.random.default_rng((seed, 11 + 2 * by_hand + marks, number))
        size = int(rng.integers(26, 60))
        put = _writer(rng, size) if by_hand else _printer(rng, size)
        gap, step = round(size * rng.uniform(0.9, 2)), round(size * rng.uniform(1.5, 2.2))
        yield _page(put, marked_number if marks else whole_number, gap, step, rng)


def ordinary_word(rng: np.random.Generator) -> str:
    """Return a word without a digit."""
    words = WORDS.split()
    return words[int(rng.integers(len(words)))]


def whole_number(rng: np.random.Generator) -> str:
    """Return a number of one to six digits."""
    return "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(1, 7))))


def marked_number(rng: np.random.Generator) -> str:
    """Return a number with marks: a fraction, a negative one, a time, a date, a ratio."""
    low, high, year = (int(rng.integers(*ends)) for ends in ((0, 10), (10, 100), (1980, 2030)))
    kinds = (
        f"{high},{low}", f"-{1 + low % 9}", f"-{high},{low}", f"{high % 24}:{int(rng.integers(60)):02}",
        f"{1 + low}.{1 + high % 12}.{year}", f"{low}/{2 + high % 8}", f"{low}.{high}", f"{high}.{low}",
    )  # fmt: skip
    return kinds[int(rng.integers(len(kinds)))]


def _page(put: PutText, word: Word, gap: int, step: int, rng: np.random.Generator) -> DrawnPage:
    """Fill a page with lines of words; baselines are ``step`` apart, words ``gap``."""
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    lines = []
    top = MARGIN
    while top + 2 * step < HEIGHT - MARGIN:
        words: list[str] = []
        left, fill = MARGIN + int(rng.integers(0, 30)), rng.uniform(0.5, 1) * (WIDTH - 2 * MARGIN)
        while True:
            text = word(rng)
            drawn = put(text)
            if words and left + drawn.shape[1] > MARGIN + fill:
                break
            place = ink[top : top + drawn.shape[0], left : left + drawn.shape[1]]
            np.maximum(place, drawn[: place.shape[0], : place.shape[1]], out=place)
            words.append(text)
            left += drawn.shape[1] + gap
        lines.append(" ".join(words))
        top += step
    return DrawnPage(_exposed(ink, rng), "\n".join(lines))


def _printer(rng: np.random.Generator, size: int) -> PutText:
    """Return a function that prints in one face: all words have the same rows, and the columns of their ink."""
    files = face_files()
    font = ImageFont.truetype(str(files[int(rng.integers(len(files)))]), size)

    def put(text: str) -> Ink:
        left, _, right, _ = (round(side) for side in font.getbbox(text))
        picture = Image.new("L", (max(right - left, 1) + 2, 2 * size))
        ImageDraw.Draw(picture).text((1 - left, size), text, fill=255, font=font, anchor="ls")
        return np.asarray(picture)

    return put


def _writer(rng: np.random.Generator, size: int) -> PutText:
    """Return a function that puts MNIST's test digits side by side, about ``size`` high, and strokes for marks."""
    test = digits("test")
    rows = {label: np.flatnonzero(test.labels == label) for label in range(10)}

    def put(text: str) -> Ink:
        pieces = []
        for character in text:
            if character.isdigit():
                cell = test.images[int(rng.choice(rows[int(character)])), ..., 0]
                used = np.flatnonzero((cell > 60).any(axis=0))
                cell = cell[4:24, used[0] : used[-1] + 1]
                drawn = np.asarray(Image.fromarray(cell).resize((max(cell.shape[1] * size // 20, 2), size)))
                pieces.append(np.pad(drawn, ((0, size // 2), (0, 0))))
            else:
                pieces.append(_mark(character, size))
            pieces.append(np.zeros((size + size // 2, max(round(size * rng.uniform(0.08, 0.25)), 2)), np.uint8))
        return np.concatenate(pieces[:-1], axis=1)

    return put


def _mark(character: str, size: int) -> Ink:
    """Draw a mark by a pen about as wide as that of MNIST's digits."""
    pen = max(size // 9, 2)
    # Strokes from x and y to x and y, as shares of the height.
    strokes = {
        "-": [(0.05, 0.5, 0.4, 0.5)], ".": [(0.1, 0.93, 0.1, 0.95)], ",": [(0.16, 0.9, 0.06, 1.1)],
        ":": [(0.1, 0.3, 0.1, 0.32), (0.1, 0.88, 0.1, 0.9)], "/": [(0.05, 1.0, 0.45, 0.0)],
    }  # fmt: skip
    ends = [tuple(round(size * share) for share in stroke) for stroke in strokes[character]]
    picture = Image.new("L", (max(max(end[0], end[2]) for end in ends) + pen, size + size // 2))
    draw = ImageDraw.Draw(picture)
    for left, top, right, bottom in ends:
        draw.line((left, top, right, bottom), fill=235, width=pen)
        for x, y in ((left, top), (right, bottom)):
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=235)
    return np.asarray(picture)


def _exposed(ink: Ink, rng: np.random.Generator) -> Grey:
    """Return a page as a camera or scanner gives it: a little crooked, unevenly lit, soft and grainy."""
    turned = Image.fromarray(ink).rotate(rng.uniform(-3, 3), Image.Resampling.BICUBIC)
    soft = np.asarray(turned.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2))), np.float64) / 255
    down, across = np.mgrid[:HEIGHT, :WIDTH] / WIDTH - 0.5
    light = 1 + rng.uniform(-0.3, 0.3) * across + rng.uniform(-0.3, 0.3) * down
    sheet, dark = rng.uniform(170, 245), rng.uniform(0.55, 0.95)
    page = sheet * light * (1 - dark * soft) + rng.normal(0, rng.uniform(0, 6), ink.shape)
    return np.asarray(np.clip(np.rint(page), 0, 255), np.uint8)
