from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page, ring

from edgedigits.images.components import label
from edgedigits.images.frame import remove_frame
from edgedigits.images.paper import Ink, find_ink


def ink_of(mask):
    return Ink(mask * np.uint8(200), mask, 1.0, 200.0, 0.0, dark_ink=True, levels=np.full(mask.shape, 55, np.uint8))


def bar(height, width, *boxes):
    mask = np.zeros((height, width), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("turn", range(4))
def test_a_line_that_a_stroke_touches_goes_and_the_stroke_stays_whole(turn):
    line, stroke = bar(100, 100, (6, 0, 9, 100)), bar(100, 100, (6, 46, 90, 56))
    mask = np.rot90(line | stroke, turn)
    freed = remove_frame(ink_of(mask))
    assert np.array_equal(freed.mask, np.rot90(stroke, turn))
    assert np.array_equal(freed.strength > 0, np.rot90(stroke, turn))
    assert len(label(freed.mask)) == 1


def test_a_whole_box_around_a_digit_goes(digits):
    for digit in digits.images[::10, ..., 0]:
        picture = on_paper(digit, size=90, place=(5, 5), field=(100, 100))
        inner = find_ink(picture).mask
        picture[:3] = picture[-3:] = 0
        picture[:, :3] = picture[:, -3:] = 0
        freed = remove_frame(find_ink(picture))
        assert np.mean(freed.mask != inner) < 0.005


@pytest.mark.parametrize(("mask", "why"), [
    (bar(100, 100, (50, 0, 53, 100)), "in the middle a long line is a stroke"),
    (bar(100, 100, (5, 0, 25, 100)), "thicker than a line"),
    (bar(100, 100, (5, 20, 8, 75)), "55 % of the side"),
    (bar(100, 100, (40, 40, 60, 60)), "no line at all"),
])  # fmt: skip
def test_what_is_no_line_along_an_edge_stays(mask, why):
    ink = ink_of(mask)
    assert np.array_equal(remove_frame(ink).mask, mask), why


def test_without_a_line_the_ink_itself_comes_back():
    ink = ink_of(bar(100, 100, (30, 40, 70, 50)))
    assert remove_frame(ink) is ink


@pytest.mark.parametrize(("thick", "gone"), [(3, True), (12, True), (13, False)])
def test_thickness_counts_as_a_share_of_the_side(thick, gone):
    assert remove_frame(ink_of(bar(100, 100, (2, 0, 2 + thick, 100)))).mask.any() != gone


@pytest.mark.parametrize(("length", "gone"), [(59, False), (60, True)])
def test_length_counts_as_a_share_of_the_side(length, gone):
    assert remove_frame(ink_of(bar(100, 100, (2, 10, 5, 10 + length)))).mask.any() != gone


def test_a_line_that_slopes_a_little_goes_too():
    picture = draw(page(100, 100), (0, 5, 99, 8), width=2)
    ink = find_ink(picture)
    assert ink.mask.any()
    assert remove_frame(ink).mask.sum() <= 0.1 * ink.mask.sum()


def test_real_digits_lose_nothing_away_from_the_edges(digits):
    for digit in digits.images[..., 0]:
        ink = find_ink(on_paper(digit, field=(220, 240)))
        assert remove_frame(ink) is ink


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (1, 50), (50, 1), (8, 8)])
def test_pictures_too_small_for_zones_stay(shape):
    assert remove_frame(ink_of(np.zeros(shape, bool))).mask.shape == shape


def test_a_ring_along_the_edges_is_no_line():
    ink = find_ink(ring(page(100, 80), (4, 4, 76, 96)))
    assert remove_frame(ink).mask.sum() > 0.75 * ink.mask.sum()
