from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page, ring

from edgedigits.images.components import label
from edgedigits.images.edges import MAX_CONTACTS, from_edges
from edgedigits.images.paper import find_ink


def outside(*boxes, shape=(100, 100)):
    """Which of these boxes of ink, given in reading order, come from the edges."""
    mask = np.zeros(shape, bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    parts = label(mask)
    assert len(parts) == len(boxes)
    return from_edges(parts).tolist()


DIGIT = (20, 40, 80, 55)


@pytest.mark.parametrize(("remains", "what"), [
    ((0, 60, 8, 90), "cut off at the top"),
    ((30, 0, 60, 9), "cut off at the left"),
    ((92, 60, 100, 70), "cut off at the bottom"),
    ((30, 92, 60, 100), "cut off at the right"),
    ((84, 0, 86, 100), "a ruling from side to side"),
    ((0, 84, 100, 86), "a ruling from top to bottom"),
    ((4, 10, 6, 90), "a line near the edge that the cut did not hit"),
])  # fmt: skip
def test_remains_go_and_the_digit_stays(remains, what):
    mask = np.zeros((100, 100), bool)
    for top, left, bottom, right in (DIGIT, remains):
        mask[top:bottom, left:right] = True
    parts = label(mask)
    gone = parts.mask(from_edges(parts))
    assert gone[remains[0] : remains[2], remains[1] : remains[3]].all(), what
    assert not gone[20:80, 40:55].any()


def cut_close(digit, times=5):
    """A digit of MNIST without any paper around it, dark on light, each pixel a square."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    return np.kron(255 - digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.ones((times, times), np.uint8))


@pytest.mark.parametrize("times", [1, 5])
def test_digits_cut_close_stay_though_they_touch_the_edges(digits, times):
    gone = 0
    for digit in digits.images[..., 0]:
        parts = label(cut_close(digit, times) < 128)
        gone += bool(from_edges(parts)[int(parts.areas.argmax())])
    # One of a hundred rests on the edge with more than half of its width, as what was cut off there does.
    assert gone <= (1 if times > 1 else 0)


@pytest.mark.parametrize(("box", "gone"), [
    ((0, 40, 70, 60), True), ((30, 0, 90, 40), True), ((0, 30, 100, 60), False), ((1, 40, 70, 60), False),
])  # fmt: skip
def test_what_meets_the_edge_with_all_of_its_width_was_cut_off_there(box, gone):
    assert outside(box) == [gone]


def test_near_an_edge_means_seven_tenths_of_the_pixels_within_the_margin():
    # The margin is 14 of 100 rows: 7 of 10 rows, and 6 of 10.
    assert outside((7, 20, 17, 80), (30, 40, 90, 60)) == [True, False]
    assert outside((8, 20, 18, 80), (30, 40, 90, 60)) == [False, False]


def test_a_loose_part_near_an_edge_stays_unless_there_is_a_frame():
    assert outside((7, 30, 12, 60), (30, 40, 90, 60)) == [False, False]
    assert outside((0, 0, 3, 100), (7, 30, 12, 60), (30, 40, 90, 60)) == [True, True, False]


def test_a_thin_ring_that_touches_every_side_is_a_digit_and_a_frame_is_none():
    parts = label(find_ink(ring(page(100, 80), (0, 0, 79, 99), width=10)).mask)
    assert from_edges(parts).tolist() == [False]
    assert outside((0, 0, 100, 5)) == [True]
    around = page(100, 80)
    around[:5] = around[-5:] = around[:, :5] = around[:, -5:] = 40
    assert from_edges(label(find_ink(around).mask)).all()


def test_a_grid_meets_the_edges_more_often_than_any_digit():
    picture = page(120, 120)
    for at in (30, 60, 90):
        picture = draw(picture, (at, 0, at, 120), (0, at, 120, at), width=2)
    parts = label(find_ink(picture).mask)
    assert len(parts) == 1
    assert from_edges(parts).all()
    cross = label(find_ink(draw(page(120, 120), (60, 0, 60, 120), (0, 60, 120, 60), width=10)).mask)
    assert MAX_CONTACTS >= 4
    assert not from_edges(cross).any()


def test_stripes_from_edge_to_edge_are_none_of_it():
    assert outside((0, 10, 100, 30), (0, 50, 100, 70)) == [True, True]
    assert outside((0, 20, 100, 40)) == [False]


def test_a_filled_half_is_a_bar_and_a_ring_that_fills_the_picture_is_not():
    assert outside((0, 0, 40, 100)) == [True]
    parts = label(find_ink(ring(page(100, 60), (0, 0, 59, 99), width=12)).mask)
    assert from_edges(parts).tolist() == [False]


def test_a_digit_anywhere_but_at_the_edge_stays(digits):
    for digit in digits.images[::7, ..., 0]:
        for place in ((30, 40), (40, 70)):
            parts = label(find_ink(on_paper(digit, size=120, place=place)).mask)
            assert not from_edges(parts)[int(parts.areas.argmax())]
