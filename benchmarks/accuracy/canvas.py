"""MNIST digits as arrays, and generated pictures of them as somebody would save them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from PIL import Image

from benchmarks.accuracy.samples import Grey, LabelledPicture
from edgedigits.datasets import Dataset, load_mnist, load_splits

CANVAS = 200
SMALLEST, LARGEST = 28, 160


@cache
def digits(split: str) -> Dataset:
    """Return MNIST's digits to choose with (``validation``, 5,000) or to report (``test``, 10,000)."""
    if split == "validation":
        return load_splits("mnist", lambda _: np.zeros((28, 28, 1), np.uint8)).validation
    return load_mnist()[1]


def chosen(split: str, seed: int, count: int) -> Iterator[tuple[Grey, str]]:
    """Yield ``count`` random digits, uint8 ``[28, 28]`` light on dark, each at most once, with their labels."""
    data = digits(split)
    for row in np.random.default_rng(seed).permutation(len(data))[:count]:
        yield data.images[row, ..., 0], str(data.labels[row])


def arrays(split: str, seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield digits as they are."""
    for digit, label in chosen(split, seed, count):
        yield LabelledPicture(digit, label)


def canvas(split: str, seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield digits whose 28x28 cell is scaled to 28-160 pixels (bicubic), anywhere on 200x200 white pixels."""
    rng = np.random.default_rng((seed, 1))
    for digit, label in chosen(split, seed, count):
        size = int(rng.integers(SMALLEST, LARGEST + 1))
        top, left = rng.integers(0, CANVAS - size + 1, 2)
        picture = np.full((CANVAS, CANVAS), 255, np.uint8)
        scaled = Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)
        picture[top : top + size, left : left + size] = 255 - np.asarray(scaled)
        yield LabelledPicture(picture, label)
