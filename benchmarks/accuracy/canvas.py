"""MNIST digits as somebody would save them: a cell of any size, dark on a white canvas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from drawing import Sample, resized

from edgedigits.datasets import Dataset, load_mnist, load_splits

CANVAS = 200
SMALLEST, LARGEST = 28, 160


@cache
def digits(split: str) -> Dataset:
    """MNIST's digits to choose thresholds with (``validation``, 5,000) or to report (``test``, 10,000)."""
    if split == "validation":
        return load_splits("mnist", lambda _: np.zeros((28, 28, 1), np.uint8)).validation
    return load_mnist()[1]


def chosen(split: str, seed: int, count: int) -> Iterator[tuple[np.ndarray, str]]:
    """``count`` digits, uint8 ``[28, 28]`` light on dark, each at most once, with their labels."""
    data = digits(split)
    for row in np.random.default_rng(seed).permutation(len(data))[:count]:
        yield data.images[row, ..., 0], str(data.labels[row])


def arrays(split: str, seed: int, count: int) -> Iterator[Sample]:
    """The digits as they are."""
    for digit, label in chosen(split, seed, count):
        yield Sample(digit, label, "array")


def canvas(split: str, seed: int, count: int) -> Iterator[Sample]:
    """Each 28x28 cell scaled to 28-160 pixels (bicubic), inverted, anywhere on 200x200 white pixels."""
    rng = np.random.default_rng((seed, 1))
    for digit, label in chosen(split, seed, count):
        size = int(rng.integers(SMALLEST, LARGEST + 1))
        top, left = rng.integers(0, CANVAS - size + 1, 2)
        picture = np.full((CANVAS, CANVAS), 255, np.uint8)
        picture[top : top + size, left : left + size] = 255 - resized(digit, size, size)
        yield Sample(picture, label, "canvas")
