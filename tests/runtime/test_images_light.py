from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.images.light import enlarge, find_paper, grid_cell, otsu, pool, slide, strongest_around, window

STROKE = 0.25


def slope(height, width, low, high):
    """Light that falls off from the right to the left, whole grey levels."""
    return np.rint(np.broadcast_to(np.linspace(low, high, width), (height, width))).astype(np.uint8)


def test_the_paper_follows_a_slope_of_light_under_real_digits(digits):
    worst, usual = 0.0, []
    for digit in digits.images[::5, ..., 0]:
        light = slope(200, 220, 120, 240)
        ink = on_paper(digit) / 255
        found = find_paper((light * ink).astype(np.uint8), STROKE)
        assert not found.broken.any()
        worst = max(worst, float(abs(found.brightness - light).max()))
        usual.append(float(abs(found.brightness - light).mean()))
    # Of 120 levels. Under wide ink the nearest paper may be far: 17 was the most, in a few cells.
    assert worst < 20
    assert max(usual) < 6


def test_a_step_of_light_wider_than_any_stroke_stays():
    levels = page(120, 160, 200)
    levels[:, 80:] = 140
    found = find_paper(levels, STROKE)
    assert abs(found.brightness[:, :70] - 200).max() <= 1
    assert abs(found.brightness[:, 95:] - 140).max() <= 1
    assert not found.broken.any()


def test_the_edge_of_a_sheet_is_broken_and_its_middle_is_not():
    levels = page(120, 160, 200)
    levels[:, 80:] = 60
    found = find_paper(levels, STROKE)
    assert found.broken[:, 80].all()
    assert not found.broken[:, :60].any()
    assert not found.broken[:, 100:].any()


def test_strokes_vanish_up_to_the_stated_width():
    narrow, wide = page(200, 200), page(200, 200)
    narrow[20:180, 80:120] = 30  # a fifth of the shorter side
    wide[20:180, 40:140] = 30  # half of it
    assert (find_paper(narrow, STROKE).brightness == 220).all()
    assert find_paper(wide, STROKE).brightness.min() < 60
    assert (find_paper(wide, 0.6).brightness == 220).all()


@pytest.mark.parametrize("side", [28, 40, 55])
def test_small_pictures_get_a_plane_even_under_wide_strokes(side):
    light = slope(side, side, 150, 230)
    levels = light.copy()
    levels[side // 4 : -side // 4, side // 3 : -side // 3] = 20  # a third of the width
    assert abs(find_paper(levels, STROKE).brightness - light).max() <= 1


def test_paper_that_falls_below_otsus_threshold_is_paper_still():
    light = slope(40, 40, 60, 240)
    levels = light.copy()
    levels[5:35, 28:32] = 20
    assert levels[:, 0].max() <= otsu(levels)
    assert abs(find_paper(levels, STROKE).brightness - light).max() <= 2


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=70)))
def test_any_picture_has_a_paper_of_its_own_size_and_range(levels):
    found = find_paper(levels, STROKE)
    assert found.brightness.shape == found.broken.shape == levels.shape
    assert found.brightness.dtype == np.float32
    assert found.brightness.min() >= 0
    assert found.brightness.max() <= 255
    strongest = strongest_around(levels.astype(np.float32), STROKE)
    assert strongest.shape == levels.shape


def test_the_strongest_around_is_that_of_the_neighbourhood_and_not_of_the_far_side():
    strength = np.zeros((120, 240), np.float32)
    strength[60, 20], strength[60, 200] = 200, 50
    found = strongest_around(strength, STROKE)
    assert abs(found[60, 20] - 200) < 1
    assert abs(found[60, 200] - 50) < 1
    assert found[60, 120] == 0
    small = strength[40:80, :50]
    assert (strongest_around(small, STROKE) == 200).all()


@given(st.integers(1, 9), npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_pooling_takes_the_greatest_of_each_cell(cell, values):
    found = pool(values, cell)
    for row, column in np.ndindex(found.shape):
        part = values[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
        assert found[row, column] == part.max()


@given(
    st.integers(0, 9), st.sampled_from([np.maximum, np.minimum]),
    npst.arrays(np.float32, npst.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 255)),
)  # fmt: skip
def test_sliding_takes_the_extreme_of_each_window(wide, extreme, values):
    found, reach = slide(values, wide, extreme), wide // 2
    assert found.shape == values.shape
    for row, column in np.ndindex(values.shape):
        part = values[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
        assert found[row, column] == extreme.reduce(part, axis=None)


@given(st.integers(56, 3000), st.integers(56, 3000), st.floats(0.05, 0.6))
def test_the_window_is_odd_and_no_narrower_than_the_widest_stroke(height, width, stroke):
    cell, cells = grid_cell((height, width)), window((height, width), stroke)
    assert cells % 2 == 1
    assert cells * cell >= stroke * min(height, width)
    assert (cells - 2) * cell < stroke * min(height, width)
    assert min(height, width) / cell >= 24


def test_enlarging_keeps_what_is_level_and_gives_what_fits_back():
    grid = np.full((3, 4), 7, np.float32)
    assert (enlarge(grid, (31, 42)) == 7).all()
    assert enlarge(grid, (3, 4)) is grid


def brute_otsu(grey):
    """Every threshold tried: the variance between the two classes."""
    values = grey.ravel().astype(float)
    scores = []
    for threshold in range(256):
        low, high = values[values <= threshold], values[values > threshold]
        scores.append(len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else 0.0)
    return np.array(scores)


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=8)))
def test_otsus_threshold_is_the_best_of_all(grey):
    scores = brute_otsu(grey)
    assert scores[otsu(grey)] == pytest.approx(scores.max(), rel=1e-9)


@pytest.mark.parametrize(("dark", "light", "threshold"), [(10, 200, 105), (0, 255, 127), (50, 51, 50), (0, 3, 1)])
def test_between_two_greys_the_threshold_is_in_the_middle(dark, light, threshold):
    # The plateau runs from dark to light - 1.
    grey = np.array([[dark] * 5 + [light] * 3], np.uint8)
    assert otsu(grey) in {threshold, (dark + light) // 2}


def test_a_digit_drawn_to_the_edges_leaves_its_paper_alone():
    levels = draw(page(120, 100), (50, 0, 50, 120), (0, 60, 100, 60), width=12)
    assert (find_paper(levels, STROKE).brightness == 220).all()
