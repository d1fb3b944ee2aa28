from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgedigits.images.shape import count_holes, edge_width, holds_square, refuse_shadow, refuse_shape


def solid(height, width):
    mask = np.ones((height, width), bool)
    return mask * np.uint8(200), mask


def grid_of_holes(count, hole=4, height=60):
    """A bar with square holes one above the other."""
    mask = np.ones((max(height, count * 2 * hole + hole), 3 * hole), bool)
    for index in range(count):
        top = hole + index * 2 * hole
        mask[top : top + hole, hole : 2 * hole] = False
    return mask * np.uint8(200), mask


def test_a_line_two_and_a_half_times_as_wide_as_high_may_be_a_digit_and_a_wider_one_is_none():
    assert refuse_shape(*solid(20, 50)) is None
    found = refuse_shape(*solid(20, 51))
    assert (found.reason, found.measured) == ("not_digit_like", {"width_by_height": 51 / 20})


@pytest.mark.parametrize(("width", "filled"), [(19, True), (10, True), (9, False), (4, False)])
def test_a_full_box_is_too_much_ink_unless_it_is_as_narrow_as_a_one(width, filled):
    found = refuse_shape(*solid(19, width))
    if filled:
        assert (found.reason, found.measured) == ("too_much_ink", {"fill": 1.0})
    else:
        assert found is None


@pytest.mark.parametrize(("paper", "filled"), [(54, True), (55, False), (80, False)])
def test_too_much_begins_above_85_percent(paper, filled):
    mask = np.ones((19, 19), bool)
    mask.reshape(-1)[:paper] = False
    found = refuse_shape(mask * np.uint8(200), mask)
    if filled:
        assert (found.reason, found.measured) == ("too_much_ink", {"fill": 307 / 361})
    else:
        assert found is None


@pytest.mark.parametrize(("height", "width", "thick"), [(40, 16, False), (40, 17, True), (20, 8, False), (20, 9, True)])
def test_a_stroke_is_at_most_37_percent_as_wide_as_the_digit_is_long(height, width, thick):
    found = refuse_shape(*solid(height, width))
    if thick:
        assert found.reason == "too_much_ink"
        # Twice the area by the perimeter, which is counted by pi/4.
        expected = 2 * height * width / (2 * (height + width) * np.pi / 4) / height
        assert found.measured == {"stroke_by_size": pytest.approx(expected)}
        assert expected > 0.37
    else:
        assert found is None


@pytest.mark.parametrize("holes", range(7))
def test_holes_are_counted_and_more_than_three_are_no_digit(holes):
    strength, mask = grid_of_holes(holes)
    assert count_holes(mask) == holes
    found = refuse_shape(strength, mask)
    if holes > 3:
        assert (found.reason, found.measured) == ("not_digit_like", {"holes": holes})
    else:
        assert found is None


def test_a_bay_is_no_hole_and_a_speck_where_the_pen_skipped_is_none():
    mask = np.ones((40, 40), bool)
    mask[10:20, :20] = False  # open to the left
    mask[30, 30] = False  # one pixel of 1,600
    assert count_holes(mask) == 0
    mask[30:32, 30:32] = False  # 0.25 %
    assert count_holes(mask) == 0
    mask[30:32, 30:33] = False
    assert count_holes(mask) == 1


def test_paper_in_a_corner_belongs_to_the_paper_outside():
    assert count_holes(np.eye(9, dtype=bool)) == 0
    ring = np.ones((9, 9), bool)
    ring[1:-1, 1:-1] = False
    assert count_holes(ring) == 1


def blurred(radius):
    """A square ring of ink, 100 pixels a side and strokes of 20, softened; cropped at half of its strength."""
    field = np.zeros((180, 180), np.uint8)
    field[40:140, 40:140] = 200
    field[60:120, 60:120] = 0
    soft = np.asarray(Image.fromarray(field).filter(ImageFilter.GaussianBlur(radius)))
    mask = soft > soft.max() // 2
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return soft[part], mask[part]


def test_the_width_of_an_edge_is_what_a_slope_is_made_of():
    # Falls by 2 % of the strong ink a pixel, on both sides: 70 to 30 % takes 20 pixels.
    slope = np.concatenate([np.arange(0, 200, 4), np.full(60, 200), np.arange(200, 0, -4)])
    bar = np.broadcast_to(slope, (400, slope.size)).astype(np.uint8)
    assert edge_width(bar) == pytest.approx(20 * 4 / np.pi * 400 / (400 + 110), rel=0.05)
    assert edge_width(solid(30, 30)[0]) == 0


def test_edges_as_soft_as_a_shadows_are_no_digit():
    sharp, soft = refuse_shape(*blurred(1)), refuse_shape(*blurred(14))
    assert sharp is None
    assert soft.reason == "not_digit_like"
    assert soft.measured["edge_pixels"] > 0.06 * 100
    widths = [edge_width(blurred(radius)[0]) for radius in (1, 2, 4, 6)]
    assert widths == sorted(widths)


@pytest.mark.parametrize(("absorbed", "refused"), [(0.2, True), (0.35, True), (0.37, False), (1.0, False)])
def test_a_pale_blob_is_a_shadow_where_a_dark_one_is_ink(absorbed, refused):
    mask = solid(50, 20)[1]
    found = refuse_shadow(mask, absorbed)
    assert (found is not None) == refused
    if found:
        assert found.reason == "not_digit_like"
        assert found.measured["absorbed"] == absorbed
        assert 1.1 * absorbed < found.measured["solid_by_size"] <= 1.1 * absorbed + 1 / 50


def test_a_thin_pencil_may_be_pale():
    mask = np.zeros((50, 30), bool)
    mask[:, :7] = mask[20:27] = True
    assert refuse_shadow(mask, 0.13) is None
    assert refuse_shadow(mask, 0.12)


@pytest.mark.parametrize(("side", "held"), [(7, True), (8, False), (40, False)])
def test_a_square_is_held_only_where_all_of_it_is_ink(side, held):
    mask = np.zeros((20, 30), bool)
    mask[5:12, 11:30] = True
    mask[3:12, 0:9] = True
    mask[8, 4] = False
    assert holds_square(mask, side) == held


def test_every_real_digit_has_the_shape_of_one(digits):
    for digit in digits.images[..., 0]:
        big = np.asarray(Image.fromarray(digit).resize((112, 112), Image.Resampling.BICUBIC))
        mask = big > 100
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert refuse_shape(big[part], mask[part]) is None
