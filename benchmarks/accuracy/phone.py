"""Cells of a number puzzle in a newspaper, photographed: printed and pen digits, and empty cells.

A stand-in for photographs that may not be passed on: grey paper, uneven light, remains of the grid at the edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from canvas import chosen
from drawing import Field, Sample, finish, jpeg, paper, shade, smooth
from fonts import ODD_DIGITS, fonts
from pens import pen_stroke, printed, stamp

SMALLEST, LARGEST = 32, 160


def pen_cells(split: str, seed: int, count: int) -> Iterator[Sample]:
    """MNIST digits written into a cell."""
    rng = np.random.default_rng((seed, 2))
    for digit, label in chosen(split, seed, count):
        size = _size(rng)
        ink = pen_stroke(digit, round(min(size) * rng.uniform(0.45, 0.75)), rng.uniform(0.33, 0.55))
        yield Sample(_cell(rng, size, ink), label, "pen")


def printed_cells(seed: int, count: int, faces: Sequence[Path] | None = None) -> Iterator[Sample]:
    """Digits printed into a cell; ``faces`` are font files, Debian's with upright figures by default.

    Raises
    ------
    TargetError: see `fonts`.

    """
    rng = np.random.default_rng((seed, 3))
    faces = faces or [font for font in fonts() if font.name not in ODD_DIGITS]
    for _ in range(count):
        font, label, size = faces[rng.integers(len(faces))], str(rng.integers(10)), _size(rng)
        ink = _digit(label, font, round(min(size) * rng.uniform(0.45, 0.72)))
        yield Sample(_cell(rng, size, ink), label, f"printed {font.stem}")


def empty_cells(seed: int, count: int) -> Iterator[Sample]:
    """The same cells with nothing in them."""
    rng = np.random.default_rng((seed, 4))
    for _ in range(count):
        yield Sample(_cell(rng, _size(rng), None), "", "empty")


def _digit(label: str, font: Path, height: int) -> Field:
    """A printed digit whose ink is ``height`` pixels high; old-style figures differ in height to the em."""
    high = printed(label, font, 100).shape[0]
    return printed(label, font, max(round(100 * height / high), 6))


def _size(rng: np.random.Generator) -> tuple[int, int]:
    size = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
    return round(size), round(size * rng.uniform(0.85, 1.15))


def _cell(rng: np.random.Generator, size: tuple[int, int], ink: Field | None) -> np.ndarray:
    height, width = size
    sheet = paper(rng, height, width, rng.uniform(140, 225), rng.uniform(1, 6))
    layer = _grid(rng, height, width)
    if ink is not None:
        down, right = (int(rng.normal(0, 0.05) * side) for side in size)
        stamp(layer, ink, (height - ink.shape[0]) // 2 + down, (width - ink.shape[1]) // 2 + right)
    picture = sheet * (1 - rng.uniform(0.45, 0.85) * layer) * shade(rng, height, width, rng.uniform(0.5, 1))
    picture = smooth(np.clip(picture, 0, 255), rng.uniform(0.2, 0.02 * min(size) + 0.3))
    done = finish(picture + rng.uniform(0, 4) * rng.standard_normal(size))
    return jpeg(done, int(rng.integers(50, 96)))


def _grid(rng: np.random.Generator, height: int, width: int) -> Field:
    """What a crop leaves of the grid: lines at some of the four edges, not quite straight."""
    layer = np.zeros((height, width))
    rows, columns = np.mgrid[:height, :width]
    for side in range(4):
        if rng.random() < 0.5:
            tilt = rng.uniform(-0.03, 0.03)
            along = columns - width / 2 if side < 2 else rows - height / 2
            away = (rows, height - 1 - rows, columns, width - 1 - columns)[side] + tilt * along
            at, thick = rng.uniform(-0.03, 0.06) * min(height, width), rng.uniform(0.01, 0.06) * min(height, width)
            layer = np.maximum(layer, rng.uniform(0.5, 1) * np.clip(thick / 2 + 0.5 - np.abs(away - at), 0, 1))
    return layer
