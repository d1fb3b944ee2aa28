"""Pages of handwritten numbers: MNIST digits on paper, photographed; with what is written there and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from canvas import digits
from drawing import Box, Field, Grey, finish, jpeg, lines_mask, paper, shade, smooth
from pens import pen_stroke, stamp
from PIL import Image

SMALLEST, LARGEST = (300, 400), (1200, 1600)
STEEPEST = 15.0
LONGEST_WORD, MOST_LINES = 8, 7
TOUCHING = 0.04  # of the gaps within a word
BOARDS = 0.12  # of the pages are blackboards or screens, light on dark


@dataclass(frozen=True, slots=True)
class Page:
    """A photograph of numbers.

    Attributes
    ----------
    image: uint8 ``[H, W]``.
    lines: words of each line, in reading order.
    boxes: top, left, bottom, right (exclusive) of every digit, in reading order.
    made: how it was made, for lists of failures.

    """

    image: Grey
    lines: tuple[tuple[str, ...], ...]
    boxes: tuple[Box, ...]
    made: str

    @property
    def text(self) -> str:
        """Words parted by blanks, lines by line ends."""
        return "\n".join(" ".join(words) for words in self.lines)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who writes: pixels of a digit, of the gaps between digits and words and lines, the pen, how steadily."""

    height: int
    gap: float
    word_gap: float
    pitch: float
    weight: float
    wobble: float


@dataclass(frozen=True, slots=True)
class Mark:
    """One digit's ink and its place before the page is turned."""

    label: str
    ink: Field
    top: int
    left: int


def pages(split: str, seed: int, count: int) -> Iterator[Page]:
    """``count`` pages; the same page for the same split, seed and place in the row."""
    for number in range(count):
        yield page(split, np.random.default_rng((seed, number)))


def page(split: str, rng: np.random.Generator) -> Page:
    """One page."""
    share = rng.random()
    height, width = (round(low * (high / low) ** share) for low, high in zip(SMALLEST, LARGEST, strict=True))
    angle = float(rng.uniform(-STEEPEST, STEEPEST)) if rng.random() < 0.7 else 0.0
    room = _room(height, width, angle)
    # Half of the words of a full line would otherwise be longer than the line.
    largest = min(80.0, room[1] / 5, room[0] / 1.2)
    hand = _hand(rng, round(np.exp(rng.uniform(np.log(20), np.log(largest)))))
    written = _write(rng, split, hand, room)
    top, left = _place(rng, written, (height, width), room)
    layer = np.zeros((height, width))
    for line in written:
        for mark in (mark for word in line for mark in word):
            stamp(layer, mark.ink, top + mark.top, left + mark.left)
    boxes = tuple(
        _turned(mark, top, left, angle, (height, width)) for line in written for word in line for mark in word
    )
    sheet, kind = _sheet(rng, hand, (height, width), top, angle)
    image, ground = _photograph(rng, sheet, _rotate(layer, angle), hand.height)
    lines = tuple(tuple("".join(mark.label for mark in word) for word in line) for line in written)
    return Page(image, lines, boxes, f"{width}x{height} digits {hand.height} px, {angle:+.0f} degrees, {ground} {kind}")


def _room(height: int, width: int, angle: float) -> tuple[int, int]:
    """Height and width of the largest centred block of the page's shape that stays on it when turned."""
    sine, cosine = abs(np.sin(np.radians(angle))), np.cos(np.radians(angle))
    margin = 0.05 * min(height, width)
    fits = min(
        (width - 2 * margin) / (width * cosine + height * sine),
        (height - 2 * margin) / (width * sine + height * cosine),
    )
    return int(fits * height), int(fits * width)


def _place(
    rng: np.random.Generator, written: list[list[list[Mark]]], size: tuple[int, int], room: tuple[int, int]
) -> tuple[int, int]:
    """Top and left of the writing somewhere in its room, which is in the middle of the page."""
    marks = [mark for line in written for word in line for mark in word]
    spare = (
        room[0] - max(mark.top + mark.ink.shape[0] for mark in marks),
        room[1] - max(mark.left + mark.ink.shape[1] for mark in marks),
    )
    top, left = ((whole - part) // 2 for whole, part in zip(size, room, strict=True))
    return top + int(rng.integers(max(spare[0], 0) + 1)), left + int(rng.integers(max(spare[1], 0) + 1))


def _hand(rng: np.random.Generator, height: int) -> Hand:
    return Hand(
        height=height,
        gap=height * rng.uniform(0.12, 0.35),
        word_gap=height * rng.uniform(0.95, 1.8),
        pitch=height * rng.uniform(1.5, 2.4),
        weight=rng.uniform(0.33, 0.55),
        wobble=height * rng.uniform(0, 0.07),
    )


def _write(rng: np.random.Generator, split: str, hand: Hand, room: tuple[int, int]) -> list[list[list[Mark]]]:
    """Lines of words of marks inside ``room``, height and width; at least one digit."""
    fitting = max(int((room[0] - 1.25 * hand.height) // hand.pitch) + 1, 1)
    lines = []
    for row in range(int(rng.integers(1, min(fitting, MOST_LINES) + 1))):
        line: list[list[Mark]] = []
        words, left = int(rng.integers(1, 5)), 0.0
        for _ in range(words):
            word, right = _word(rng, split, hand, left, row * hand.pitch + 0.1 * hand.height)
            if right > room[1] and line:
                break
            while right > room[1] and len(word) > 1:
                right = word.pop().left
            line.append(word)
            left = right + hand.word_gap * rng.uniform(0.9, 1.3)
        lines.append(line)
    return lines


def _word(rng: np.random.Generator, split: str, hand: Hand, left: float, top: float) -> tuple[list[Mark], float]:
    """Marks of one number, and where it ends."""
    data, word = digits(split), []
    for place in range(int(rng.integers(1, LONGEST_WORD + 1))):
        row = int(rng.integers(len(data)))
        height = hand.height * rng.uniform(0.88, 1.12)
        ink = pen_stroke(data.images[row, ..., 0], round(height), hand.weight)
        if place:
            left += (
                -rng.uniform(0.02, 0.1) * hand.height if rng.random() < TOUCHING else hand.gap * rng.uniform(0.6, 1.4)
            )
        drop = hand.height - height + rng.normal(0, hand.wobble)
        word.append(Mark(str(data.labels[row]), ink, max(round(top + drop), 0), round(left)))
        left += ink.shape[1]
    return word, left


def _sheet(rng: np.random.Generator, hand: Hand, size: tuple[int, int], top: int, angle: float) -> tuple[Field, str]:
    """Blank, ruled under every line, or squared paper, turned like the writing."""
    sheet = paper(rng, *size, rng.uniform(190, 245), rng.uniform(0.5, 4))
    kind = str(rng.choice(["blank", "ruled", "squared"], p=[0.5, 0.25, 0.25]))
    if kind == "blank":
        return sheet, kind
    thick, dark = rng.uniform(0.8, max(1.2, hand.height / 18)), rng.uniform(20, 80)
    turn, middle = -np.radians(angle), np.array(size) / 2
    spacing = hand.pitch if kind == "ruled" else hand.height * rng.uniform(0.6, 1.3)
    # Lines are placed by their distance from the middle, about which the page is turned.
    under = top + 1.15 * hand.height - middle[0]
    for more in (0.0, np.pi / 2)[: 1 + (kind == "squared")]:
        through = middle[0] * np.cos(turn + more) - middle[1] * np.sin(turn + more)
        sheet = sheet - dark * lines_mask(*size, spacing, thick, turn + more, through + under)
    return sheet, kind


def _photograph(rng: np.random.Generator, sheet: Field, layer: Field, height: int) -> tuple[Grey, str]:
    """Ink on the sheet, light on both, then the lens, the sensor and the file; and whether the ground is light."""
    size = sheet.shape
    dark = rng.uniform(0.6, 0.95)
    uneven = 1 - rng.uniform(0, 0.25) * rng.random(size)
    picture = sheet * (1 - dark * layer * uneven) * shade(rng, *size, rng.uniform(0.5, 1))
    board = rng.random() < BOARDS
    if board:
        picture = 255 - picture
    picture = smooth(np.clip(picture, 0, 255), rng.uniform(0, min(0.03 * height, 1.5)))
    picture = picture + rng.uniform(0, 7) * rng.standard_normal(size)
    image = finish(picture)
    filed = jpeg(image, int(rng.integers(40, 96))) if rng.random() < 0.8 else image
    return filed, "dark" if board else "light"


def _rotate(layer: Field, angle: float) -> Field:
    if not angle:
        return layer
    turned = Image.fromarray(layer.astype(np.float32)).rotate(angle, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(turned, np.float64), 0, 1)


def _turned(mark: Mark, top: int, left: int, angle: float, size: tuple[int, int]) -> Box:
    """The box of a mark's ink after the page was turned about its middle."""
    rows, columns = np.nonzero(mark.ink > 0.5)
    down, right = rows + 0.5 + top + mark.top - size[0] / 2, columns + 0.5 + left + mark.left - size[1] / 2
    sine, cosine = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    y, x = down * cosine - right * sine + size[0] / 2, right * cosine + down * sine + size[1] / 2
    return max(int(y.min()), 0), max(int(x.min()), 0), min(int(y.max()) + 1, size[0]), min(int(x.max()) + 1, size[1])
