from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page, ring

from edgedigits.images.polarity import has_dark_ink


def both(picture, *, dark):
    """A picture and its negative have opposite polarity."""
    assert has_dark_ink(picture) is dark
    assert has_dark_ink(np.bitwise_not(picture)) is not dark


def test_every_digit_on_paper_is_dark_ink_and_its_negative_light(digits):
    for digit in digits.images[..., 0]:
        both(on_paper(digit), dark=True)


def test_tightly_cropped_digits_have_the_polarity_they_were_cut_with(digits):
    right = 0
    for digit in digits.images[..., 0]:
        rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
        cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        big = np.kron(cut, np.ones((4, 4), np.uint8))
        right += not has_dark_ink(big)
    # Ink and paper are of one size in a cell cut to the ink of a fat 1: nothing tells them apart.
    assert right >= 90


def heavy_zero(size, width):
    """A 0 cut close, whose ink is about half of the picture: its hole and the corners are the paper."""
    return ring(page(size, size, 230), (0, 0, size - 1, size - 1), width=width, ink=20)


@pytest.mark.parametrize(("size", "width"), [(16, 3), (16, 4), (32, 6), (32, 8)])
def test_the_hole_of_a_heavy_zero_cut_close_is_paper(size, width):
    both(heavy_zero(size, width), dark=True)


@pytest.mark.parametrize("frame", [4, 8, 12])
def test_a_dark_frame_around_the_picture_is_not_its_paper(digits, frame):
    for digit in digits.images[::10, ..., 0]:
        picture = on_paper(digit)
        picture[:frame] = picture[-frame:] = 0
        picture[:, :frame] = picture[:, -frame:] = 0
        both(picture, dark=True)


@pytest.mark.parametrize(("dark", "light"), [(0.4, 1.0), (1.0, 0.4)])
def test_light_that_falls_off_from_side_to_side_does_not_matter(digits, dark, light):
    for digit in digits.images[::10, ..., 0]:
        lit = on_paper(digit, ink=0.8) * np.linspace(dark, light, 220)
        both(lit.astype(np.uint8), dark=True)


def test_a_shadow_over_a_corner_is_no_ink(digits):
    for digit in digits.images[::10, ..., 0]:
        picture = on_paper(digit, ink=0.8).astype(float)
        rows, columns = np.mgrid[:200, :220]
        picture[rows + columns < 110] *= 0.6
        both(picture.astype(np.uint8), dark=True)


def test_where_there_is_as_much_ink_as_paper_the_border_decides():
    stripes = page(80, 80, 240)
    stripes[10:70, 10:70] = np.where(np.arange(60)[:, np.newaxis] // 6 % 2, 240, 20)
    both(stripes, dark=True)


def test_a_thin_hairline_is_enough():
    both(draw(page(), (10, 10, 60, 90), width=1), dark=True)
    both(ring(page(), (20, 20, 60, 80), width=1), dark=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_a_picture_without_any_ink_has_an_answer_all_the_same(shape):
    assert has_dark_ink(np.full(shape, 77, np.uint8))
