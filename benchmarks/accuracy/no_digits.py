"""Generated pictures without any digit, all to be refused: noise, bare paper, empty frames, stripes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.accuracy.samples import LabelledPicture

SMALLEST, LARGEST = 40, 200  # pixels a side
Floats = NDArray[np.float64]


def noise(rng: np.random.Generator) -> Floats:
    """Draw grain of one size: even, normal, or single dark specks."""
    height, width = _sides(rng)
    coarse = int(rng.integers(1, 7))
    shape = -(-height // coarse), -(-width // coarse)
    kind = rng.integers(3)
    if kind == 0:
        grain = rng.uniform(0, 255, shape)
    elif kind == 1:
        grain = rng.normal(rng.uniform(60, 200), rng.uniform(5, 60), shape)
    else:
        grain = np.where(rng.random(shape) < rng.uniform(0.001, 0.1), rng.uniform(0, 120), rng.uniform(160, 255))
    return np.kron(grain, np.ones((coarse, coarse)))[:height, :width]


def paper(rng: np.random.Generator) -> Floats:
    """Draw bare paper: light that falls off, the soft edge of a shadow, a fold, grain."""
    height, width = _sides(rng)
    down, across = np.mgrid[:height, :width] / max(height, width)
    angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.8)
    along = np.cos(angle) * (across - place) + np.sin(angle) * (down - place)
    sheet = rng.uniform(120, 255) * (1 + rng.uniform(-0.4, 0.4) * along)
    if rng.random() < 0.5:
        sheet *= 1 - rng.uniform(0.1, 0.6) / (1 + np.exp(-along / rng.uniform(0.005, 0.1)))
    if rng.random() < 0.3:
        sheet -= rng.uniform(10, 50) * np.exp(-((along / rng.uniform(0.005, 0.03)) ** 2))
    return np.asarray(sheet + rng.normal(0, rng.uniform(0, 8), sheet.shape))


def frames(rng: np.random.Generator) -> Floats:
    """Draw an empty frame, cell or corner as it comes into a cut: straight or a little turned."""

    def draw(pen: ImageDraw.ImageDraw, width: int, height: int, ink: int) -> None:
        stroke = int(rng.integers(1, max(2, min(width, height) // 12)))
        left, top = (int(side * rng.uniform(-0.1, 0.25)) for side in (width, height))
        right, bottom = (int(side * rng.uniform(0.75, 1.1)) for side in (width, height))
        pen.rectangle((left, top, right, bottom), outline=ink, width=stroke)
        if rng.random() < 0.3:
            pen.line((rng.uniform(0.3, 0.7) * width, 0, rng.uniform(0.3, 0.7) * width, height), fill=ink, width=stroke)

    return _drawn(rng, draw, rng.uniform(-4, 4))


def stripes(rng: np.random.Generator) -> Floats:
    """Draw ruled lines, stripes at any angle, or squares."""

    def draw(pen: ImageDraw.ImageDraw, width: int, height: int, ink: int) -> None:
        step = int(rng.integers(5, 40))
        stroke = int(rng.integers(1, max(2, step // 2)))
        squares = rng.random() < 0.4
        for place in range(int(rng.integers(step)), 3 * max(width, height), step):
            pen.line((-width, place - height, 2 * width, place - height), fill=ink, width=stroke)
            if squares:
                pen.line((place - width, -height, place - width, 2 * height), fill=ink, width=stroke)

    return _drawn(rng, draw, rng.uniform(0, 180) if rng.random() < 0.5 else 0)


KINDS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "noise": noise, "paper": paper, "frames": frames, "stripes": stripes,
}  # fmt: skip


def no_digits(kind: str, seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield ``count`` pictures of one of `KINDS`."""
    rng = np.random.default_rng((seed, list(KINDS).index(kind)))
    for _ in range(count):
        yield LabelledPicture(np.clip(np.rint(KINDS[kind](rng)), 0, 255).astype(np.uint8), "")


def _sides(rng: np.random.Generator) -> tuple[int, int]:
    height, width = (int(side) for side in rng.integers(SMALLEST, LARGEST + 1, 2))
    return height, width


def _drawn(rng: np.random.Generator, draw: Callable[[ImageDraw.ImageDraw, int, int, int], Any], turn: float) -> Floats:
    """Return lines on even paper, turned by degrees, a little soft and with grain."""
    height, width = _sides(rng)
    sheet, ink = int(rng.integers(150, 256)), int(rng.integers(0, 110))
    picture = Image.new("L", (width, height), sheet)
    draw(ImageDraw.Draw(picture), width, height, ink)
    picture = picture.rotate(turn, Image.Resampling.BICUBIC, fillcolor=sheet)
    soft = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2)))
    return np.asarray(soft, np.float64) + rng.normal(0, rng.uniform(0, 6), (height, width))
