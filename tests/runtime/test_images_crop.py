"""Cropping: a box of any picture becomes MNIST's form, whatever its polarity, light, size and place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgedigits.images.crop import crop


def page(size: int = 60, *, at: tuple[int, int] = (40, 50), paper: int = 210, ink: int = 40) -> Image.Image:
    """Return a page with a 4 of ``size`` pixels: two strokes and a stem."""
    grey = np.full((160, 200), paper, np.uint8)
    top, left = at
    thick, half = size // 8, size // 2
    grey[top : top + half, left : left + thick] = ink
    grey[top + half : top + half + thick, left : left + half + thick] = ink
    grey[top : top + size, left + half : left + half + thick] = ink
    return Image.fromarray(grey)


def box(size: int = 60, at: tuple[int, int] = (40, 50)) -> tuple[float, float, float, float]:
    return at[0], at[1], at[0] + size, at[1] + size // 2 + size // 8


def close(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def test_crop_is_light_on_dark_and_in_the_middle() -> None:
    image = crop(page(), box())
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 240
    assert image[[0, 1, -2, -1]].max() == 0
    rows, columns = (image.sum(axis=axis) @ np.arange(28) / image.sum() for axis in (1, 0))
    assert (rows, columns) == pytest.approx((13.5, 13.5), abs=0.7)
    tall = np.flatnonzero((image > 128).any(axis=1))
    assert 18 <= tall[-1] - tall[0] + 1 <= 21


@settings(max_examples=30, deadline=None)
@given(paper=st.integers(0, 255), ink=st.integers(0, 255))
def test_polarity_and_contrast_do_not_matter(paper: int, ink: int) -> None:
    if abs(paper - ink) < 25:
        return
    assert close(crop(page(paper=paper, ink=ink), box()), crop(page(), box())) < 4


@pytest.mark.parametrize("size", [16, 30, 100])
def test_size_does_not_matter(size: int) -> None:
    assert close(crop(page(size), box(size)), crop(page(), box())) < 25


def test_what_leaves_the_picture_is_paper() -> None:
    whole = page()
    tight = whole.crop((50, 40, 50 + 37, 40 + 60))
    assert close(crop(tight, box(at=(0, 0))), crop(whole, box())) < 8
    away = crop(tight, (-90.0, -90.0, -40.0, -60.0))
    assert away.max() < 30


def test_lines_and_neighbours_outside_of_the_box_fade() -> None:
    grey = np.asarray(page()).copy()
    grey[:, 120:124] = 40
    grey[140:146] = 40
    assert close(crop(Image.fromarray(grey), box()), crop(page(), box())) < 3


def test_empty_paper_gives_nothing_much() -> None:
    noise = np.random.default_rng(0).normal(200, 1, (60, 60)).round().astype(np.uint8)
    assert crop(Image.fromarray(noise), (10.0, 10.0, 50.0, 40.0)).mean() < 80
