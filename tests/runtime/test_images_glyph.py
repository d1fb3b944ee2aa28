from __future__ import annotations

import numpy as np
import pytest
from drawings import alike_within_a_pixel
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image, ImageFilter

from edgedigits.images.glyph import BOX, NARROWEST, WIDEST, centre, crop, feed_glyph, perimeter, stroke_width

MIDDLE = 13.5


def mass(image):
    weights = image.astype(float) / image.sum()
    return weights.sum(axis=1) @ np.arange(image.shape[0]), weights.sum(axis=0) @ np.arange(image.shape[1])


def extent(image):
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def enlarged(digit, size=112):
    return np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC))


def width_fed(fed):
    """Stroke width of a fed image in the four times finer box."""
    fine = np.asarray(Image.fromarray(fed).resize((112, 112), Image.Resampling.BICUBIC))
    return stroke_width(fine > 100)


def test_a_digit_fills_a_box_of_20_pixels_about_its_centre_of_mass(digits):
    for digit in digits.images[..., 0]:
        fed = feed_glyph(enlarged(digit))
        assert 19 <= max(extent(fed)) <= BOX
        assert fed.max() == 255
        # Half a pixel of rounding, unless the box would leave the field.
        assert max(abs(at - MIDDLE) for at in mass(fed)) <= 1


def test_what_mnist_looks_like_is_what_comes_out(digits):
    alike = [alike_within_a_pixel(digit, feed_glyph(enlarged(digit))) for digit in digits.images[..., 0]]
    # 0.878 was the lowest of a hundred: a fat digit, made narrower.
    assert min(alike) > 0.85
    assert np.median(alike) > 0.95


@pytest.mark.parametrize("radius", [5, 7, 9])
def test_very_thick_strokes_are_made_narrower(digits, radius):
    for digit in digits.images[::9, ..., 0]:
        ink = np.pad(enlarged(digit), 10)
        thick = np.asarray(Image.fromarray(ink).filter(ImageFilter.MaxFilter(2 * radius + 1)))
        before = width_of_box(thick)
        fed = feed_glyph(thick)
        if before > WIDEST + 1:
            assert width_fed(fed) < before - 0.5
        assert max(extent(fed)) == BOX


def width_of_box(ink):
    """Stroke width in a box of 80 pixels."""
    ink = crop(ink)
    return stroke_width(ink > 100) * 80 / max(ink.shape)


@pytest.mark.parametrize("thickness", [2, 4, 6, 10])
def test_straight_strokes_of_any_width_come_near_those_of_mnist(thickness):
    cross = np.zeros((200, 200), np.uint8)
    cross[:, 100 - thickness : 100 + thickness] = 255
    cross[100 - thickness : 100 + thickness] = 255
    assert NARROWEST - 0.5 <= width_fed(feed_glyph(cross)) <= WIDEST + 0.5


@pytest.mark.parametrize("thickness", [22, 28, 36])
def test_fat_straight_strokes_are_brought_towards_the_widest(thickness):
    cross = np.zeros((200, 200), np.uint8)
    cross[:, 100 - thickness : 100 + thickness] = 255
    cross[100 - thickness : 100 + thickness] = 255
    before = stroke_width(cross > 0) * 80 / 200
    assert before > WIDEST
    # Made narrower, the digit is smaller too and enlarged again: 30.1 became 22.1, and 24.5 became 18.7.
    assert width_fed(feed_glyph(cross)) - WIDEST < 0.55 * (before - WIDEST)


@pytest.mark.parametrize("side", [60, 120, 240, 400])
def test_a_hairline_is_fed_as_a_stroke(side):
    hair = np.eye(side, dtype=np.uint8) * np.uint8(255)
    fed = feed_glyph(hair)
    assert fed.max() == 255
    assert extent(fed) == (BOX, BOX)
    assert width_fed(fed) >= 3.5


def test_strokes_like_mnists_are_left_as_they_are():
    ring = np.zeros((80, 60), np.uint8)
    ring[:, :10] = ring[:, -10:] = ring[:10] = ring[-10:] = 255
    fed = feed_glyph(ring)
    assert extent(fed) == (20, 15)
    assert width_fed(fed) == pytest.approx(stroke_width(ring > 0), abs=1.5)


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=64)))
def test_any_ink_gives_28_by_28_and_none_gives_none(strength):
    fed = feed_glyph(strength)
    assert fed.shape == (28, 28)
    assert fed.dtype == np.uint8
    assert fed.any() == strength.any()


@given(
    npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=30)),
    st.tuples(*[st.integers(0, 9)] * 4),
)
def test_where_ink_lies_in_its_crop_does_not_matter(strength, around):
    padded = np.pad(strength, ((around[0], around[1]), (around[2], around[3])))
    assert np.array_equal(feed_glyph(strength), feed_glyph(padded))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_weak_ink_is_stretched_to_the_same_glyph(digits, share):
    found = []
    for digit in digits.images[::7, ..., 0]:
        full, weak = enlarged(digit), np.rint(enlarged(digit) * share).astype(np.uint8)
        found.append(alike_within_a_pixel(feed_glyph(full), feed_glyph(weak)))
    # 0.928 was the lowest of a hundred: its strokes are as wide as the bound at which they are made narrower.
    assert min(found) > 0.9
    assert np.median(found) > 0.9999


def test_the_crop_is_the_smallest_part_with_ink():
    ink = np.zeros((20, 30), np.uint8)
    ink[3, 7] = ink[11, 22] = 1
    assert np.array_equal(crop(ink), ink[3:12, 7:23])
    assert crop(ink[:2]).size == 0


@pytest.mark.parametrize("width", [2, 5, 11])
def test_the_width_of_a_long_bar_is_measured(width):
    bar = np.zeros((4000, 40), bool)
    bar[:, 10 : 10 + width] = True
    # Counted by pixel edges, times pi/4, an upright line is found 4/pi times too wide, a slanted one too narrow.
    assert stroke_width(bar) == pytest.approx(width * 4 / np.pi, rel=0.01)
    assert perimeter(bar) == pytest.approx(2 * (4000 + width) * np.pi / 4)
    assert stroke_width(bar[:, :5]) == 0


@pytest.mark.parametrize("radius", [20, 60])
def test_the_length_of_a_circle_is_measured(radius):
    rows, columns = np.mgrid[-80:81, -80:81]
    disc = rows**2 + columns**2 <= radius**2
    assert perimeter(disc) == pytest.approx(2 * np.pi * radius, rel=0.04)
    assert stroke_width(disc) == pytest.approx(radius, rel=0.04)


def test_ink_along_the_edges_of_the_array_has_an_outline_too():
    assert perimeter(np.ones((3, 5), bool)) == pytest.approx(16 * np.pi / 4)


def test_a_heavy_side_is_brought_to_the_middle_until_the_field_ends():
    heavy = np.zeros((27, 27), np.uint8)
    heavy[26, 26] = 255
    assert centre(heavy)[26, 26] == 255
    assert centre(heavy[::-1, ::-1])[1, 1] == 255
    assert centre(heavy[:, 20:])[26].any()


@pytest.mark.parametrize(
    ("shape", "size"),
    [((40, 10), (20, 5)), ((400, 120), (20, 6)), ((60, 12), (20, 4)), ((1, 400), (2, 20))],
)  # fmt: skip
def test_the_longer_side_becomes_20_pixels_and_the_shape_is_kept(shape, size):
    height, width = extent(feed_glyph(np.full(shape, 90, np.uint8)))
    assert max(height, width) == 20
    # Hairlines come out wider, bars too wide for any digit narrower.
    assert (height, width)[int(shape[0] > shape[1])] == pytest.approx(min(size), abs=2)


@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 28), st.integers(1, 28))))
def test_the_centre_of_mass_comes_to_the_middle_as_far_as_the_digit_fits(small):
    field = centre(small)
    assert field.shape == (28, 28)
    assert field.sum(dtype=int) == small.sum(dtype=int)
    if not small.any():
        return
    for axis, at in enumerate(mass(field)):
        other = small.sum(axis=1 - axis, dtype=int) @ np.arange(small.shape[axis]) / small.sum(dtype=int)
        free = MIDDLE - other
        if 0 <= round(free) <= 28 - small.shape[axis]:
            assert abs(at - MIDDLE) <= 0.5 + 1e-9
        else:
            assert at == pytest.approx(other + (0 if free < 0 else 28 - small.shape[axis]))
