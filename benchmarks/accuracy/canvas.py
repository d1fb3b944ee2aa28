"""MNIST digits as arrays, and generated pictures of them as somebody would save or photograph them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.accuracy.samples import Grey, Sample
from edgedigits.datasets import Dataset, load_mnist, load_splits

CANVAS = 200
SMALLEST, LARGEST = 28, 160
# A photograph of 12 megapixels in colour, whose sensor has grain, in the quality that rpicam-still writes.
HEIGHT, WIDTH, QUALITY = 3000, 4000, 93
PAPER, INK, TINT, GRAIN = 220, 0.8, (1.0, 0.97, 0.9), 4.0


@cache
def digits(split: str) -> Dataset:
    """Return MNIST's digits to choose thresholds with (``validation``, 5,000) or to report (``test``, 10,000)."""
    if split == "validation":
        return load_splits("mnist", lambda _: np.zeros((28, 28, 1), np.uint8)).validation
    return load_mnist()[1]


def chosen(split: str, seed: int, count: int) -> Iterator[tuple[Grey, str]]:
    """Yield ``count`` random digits, uint8 ``[28, 28]`` light on dark, each at most once, with their labels."""
    data = digits(split)
    for row in np.random.default_rng(seed).permutation(len(data))[:count]:
        yield data.images[row, ..., 0], str(data.labels[row])


def arrays(split: str, seed: int, count: int) -> Iterator[Sample]:
    """Yield digits as they are."""
    for digit, label in chosen(split, seed, count):
        yield Sample(digit, label, "array")


def canvas(split: str, seed: int, count: int) -> Iterator[Sample]:
    """Yield digits whose 28x28 cell is scaled to 28-160 pixels (bicubic), anywhere on 200x200 white pixels."""
    rng = np.random.default_rng((seed, 1))
    for digit, label in chosen(split, seed, count):
        size = int(rng.integers(SMALLEST, LARGEST + 1))
        top, left = rng.integers(0, CANVAS - size + 1, 2)
        picture = np.full((CANVAS, CANVAS), 255, np.uint8)
        picture[top : top + size, left : left + size] = 255 - _scaled(digit, size)
        yield Sample(picture, label, "canvas")


def write_photograph(file: Path) -> None:
    """Write a JPEG of 12 megapixels of one digit on a sheet, in colour and with grain."""
    digit, _ = next(iter(chosen("validation", 0, 1)))
    ink, side = np.zeros((HEIGHT, WIDTH), np.float32), HEIGHT // 2
    top, left = (HEIGHT - side) // 2, (WIDTH - side) // 2
    ink[top : top + side, left : left + side] = _scaled(digit, side) / np.float32(255)
    colours = (PAPER * (1 - INK * ink))[..., None] * np.array(TINT, np.float32)
    colours += GRAIN * np.random.default_rng(1).standard_normal(colours.shape, np.float32)
    picture = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
    picture.save(file, quality=QUALITY, subsampling="4:2:0")


def _scaled(picture: Grey, side: int) -> Grey:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))
