from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page, ring
from hypothesis import given
from hypothesis.extra import numpy as npst

from edgedigits.images.paper import Ink, find_ink
from edgedigits.images.rejection import Rejection
from edgedigits.images.subject import MAX_COMPONENTS, Subject, find_subject


def found_in(picture):
    return find_subject(find_ink(picture))


def ink_of(mask):
    return Ink(mask * np.uint8(200), mask, 1.0, 200.0, 0.0, dark_ink=True, levels=np.full(mask.shape, 55, np.uint8))


def whole(picture):
    """The subject holds every pixel of ink, and its box is the ink's."""
    found, dark = found_in(picture), find_ink(picture).mask
    assert isinstance(found, Subject), found
    assert np.array_equal(found.mask, dark)
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    assert found.box == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)


FIVE = [(60, 60, 60, 90), (60, 90, 90, 100), (90, 100, 90, 125), (90, 125, 55, 130)]


def test_a_five_with_a_loose_bar_stays_whole():
    picture = draw(page(180, 150), *FIVE, width=8)
    whole(draw(picture, (70, 52, 100, 50), width=8))
    whole(draw(picture, (78, 60, 110, 58), width=8))


def test_a_broken_eight_stays_whole():
    whole(ring(ring(page(180, 150), (50, 40, 90, 80), width=7), (46, 86, 94, 136), width=7))


def test_a_four_in_two_strokes_stays_whole():
    whole(draw(page(180, 150), (60, 50, 50, 100, 100, 100), (85, 112, 85, 140), width=7))


def test_real_digits_in_the_middle_lose_nothing_but_specks(digits):
    for digit in digits.images[..., 0]:
        picture = on_paper(digit, size=120, place=(60, 60), field=(240, 240))
        found, dark = found_in(picture), find_ink(picture).mask
        assert isinstance(found, Subject)
        assert not (found.mask & ~dark).any()
        assert found.mask.sum() >= 0.95 * dark.sum()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_digits_are_counted(digits, count):
    zero = digits.images[np.flatnonzero(digits.labels == 0)[0], ..., 0]
    picture = page(120, 80 * count + 40, 255)
    for index in range(count):
        picture[30:90, 30 + 80 * index : 90 + 80 * index] = on_paper(zero, 60, (0, 0), (60, 60))
    found = found_in(picture)
    assert (found.reason, found.measured) == ("several_digits", {"digits": count})


def test_two_lines_of_digits_are_several_too():
    picture = draw(page(240, 200), (100, 40, 100, 90), (100, 150, 100, 200), width=8)
    assert found_in(picture).measured == {"digits": 2}


def test_a_lower_neighbour_is_left_out_and_one_as_tall_is_a_second_digit():
    digit = draw(page(200, 240), (100, 50, 100, 150), width=10)
    dot = draw(digit, (180, 120, 180, 150), width=10)
    found = found_in(dot)
    assert isinstance(found, Subject)
    assert not found.mask[:, 150:].any()
    assert found_in(draw(digit, (180, 60, 180, 140), width=10)).reason == "several_digits"


def test_specks_are_dropped():
    picture = draw(page(200, 200), (100, 50, 100, 150), width=12)
    alone = find_ink(picture).mask
    for row, column in ((60, 88), (100, 115), (140, 85)):
        picture[row : row + 3, column : column + 3] = 30
    found = found_in(picture)
    assert isinstance(found, Subject)
    assert np.array_equal(found.mask, alone)


@pytest.mark.parametrize("side", ["top", "left", "bottom", "right"])
def test_what_is_left_of_a_neighbour_is_dropped(side, digits):
    for digit in digits.images[::9, ..., 0]:
        picture = on_paper(digit, size=120, place=(40, 40), field=(200, 200))
        alone = found_in(picture)
        turned = np.rot90(picture, ["top", "left", "bottom", "right"].index(side))
        turned = draw(turned, (60, 0, 90, 6, 120, 0), width=6)
        found = found_in(np.rot90(turned, -["top", "left", "bottom", "right"].index(side)))
        assert isinstance(alone, Subject)
        assert isinstance(found, Subject)
        assert np.array_equal(found.mask, alone.mask)


def dots(count):
    mask = np.zeros((120, 120), bool)
    mask.reshape(20, 6, 20, 6)[:, 2:4, :, 2:4] = (np.arange(400).reshape(20, 20) < count)[:, np.newaxis, :, np.newaxis]
    return mask


def test_more_components_than_a_page_has_are_noise():
    found = find_subject(ink_of(dots(MAX_COMPONENTS + 1)))
    assert (found.reason, found.measured) == ("too_many_components", {"components": 151})
    assert find_subject(ink_of(dots(MAX_COMPONENTS))).reason != "too_many_components"


def test_without_ink_it_is_blank_and_contrast_and_noise_are_told():
    grey = np.zeros((9, 9), np.uint8)
    ink = Ink(grey, grey > 0, 1.0, 3.0, 1.5, dark_ink=True, levels=grey)
    assert find_subject(ink) == Rejection("blank", {"contrast": 3.0, "noise": 1.5})


@pytest.mark.parametrize(("side", "pixels", "seen"), [(100, 4, False), (100, 5, True), (300, 5, False), (300, 6, True)])
def test_ink_below_five_pixels_and_two_percent_is_no_digit(side, pixels, seen):
    mask = np.zeros((side, side), bool)
    mask[50 : 50 + pixels, 50:52] = True
    found = find_subject(ink_of(mask))
    assert isinstance(found, Subject) == seen
    if not seen:
        assert (found.reason, found.measured) == ("blank", {"largest_pixels": pixels})


def test_of_two_the_one_in_the_middle_counts_unless_the_other_is_far_heavier():
    picture = draw(page(200, 200), (100, 60, 100, 140), width=10)
    found = found_in(draw(picture, (160, 120, 160, 150), width=20))
    assert isinstance(found, Subject)
    assert found.box[1] < 100 < found.box[3]


@given(npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
def test_any_mask_has_a_subject_within_it_or_a_reason(mask):
    found = find_subject(ink_of(mask))
    if isinstance(found, Rejection):
        assert found.measured
        return
    assert found.mask.any()
    assert not (found.mask & ~mask).any()
    top, left, bottom, right = found.box
    assert found.mask[top:bottom, left:right].sum() == found.mask.sum()
    assert all(type(side) is int for side in found.box)
