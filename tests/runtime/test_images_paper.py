from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page, ring
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image, ImageFilter

from edgedigits.images.paper import MIN_STRENGTH, NOISE_FACTOR, find_ink


def noisy(picture, sigma, seed=0):
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [2, 4, 8])
@pytest.mark.parametrize("paper", [120, 180])
def test_planted_noise_is_measured(sigma, paper):
    ink = find_ink(noisy(draw(page(150, 150, paper), (75, 20, 75, 130), width=10, ink=20), sigma))
    assert ink.noise == pytest.approx(sigma, rel=0.25)
    assert ink.dark_ink


@pytest.mark.parametrize("size", [16, 20, 24])
def test_a_heavy_zero_cut_close_leaves_enough_paper_to_measure(size):
    # Drawn large, so that half of its pixels on the edges are neither ink nor paper.
    large = ring(page(8 * size, 8 * size, 230), (0, 0, 8 * size - 1, 8 * size - 1), width=7 * size // 4, ink=20)
    scan = np.asarray(Image.fromarray(large).reduce(8).filter(ImageFilter.GaussianBlur(0.8)))
    ink = find_ink(scan)
    assert ink.noise < 20
    assert ink.mask[scan < 100].all()
    assert not ink.mask[0, 0]
    assert not ink.mask[size // 2, size // 2]


@pytest.mark.parametrize("contrast", [30, 60, 120, 200])
def test_planted_contrast_is_measured_on_dark_and_light_paper(contrast):
    picture = draw(page(), (40, 20, 40, 80), width=8, ink=220 - contrast)
    assert find_ink(picture).contrast == contrast
    assert find_ink(np.bitwise_not(picture)).contrast == contrast
    assert find_ink(picture).noise == 0


def test_contrast_is_that_of_the_strong_ink():
    picture = draw(draw(page(), (40, 20, 40, 80), width=8, ink=120), (40, 50, 40, 80), width=8, ink=20)
    assert find_ink(picture).contrast == 200


@pytest.mark.parametrize("contrast", [80, 160])
def test_a_slope_of_light_changes_contrast_little(contrast):
    light = np.linspace(150, 250, 120)
    picture = np.clip(draw(page(120, 120), (60, 20, 60, 100), width=8, ink=220 - contrast) / 220 * light, 0, 255)
    # What absorbs a share of the light absorbs more levels in brighter light: 200 of 250 levels at the middle.
    assert find_ink(picture.astype(np.uint8)).contrast == pytest.approx(contrast * 200 / 220, rel=0.12)


def test_ink_of_exactly_the_least_strength_is_none_and_one_more_is():
    for levels, found in ((MIN_STRENGTH, False), (MIN_STRENGTH + 1, True)):
        assert find_ink(draw(page(), (40, 20, 40, 80), ink=220 - levels)).mask.any() == found
    assert find_ink(page()).contrast == 0


def test_noise_raises_the_least_strength(digits):
    faint = on_paper(digits.images[3, ..., 0], ink=0.2) - 55  # 51 levels on 200
    assert find_ink(noisy(faint, 2)).mask.any()
    # 5 sigma of 14 are 70 levels: a spike of the noise on the stroke may stand out, the stroke does not.
    lost = find_ink(noisy(faint, 14))
    assert lost.noise * NOISE_FACTOR > 51
    assert lost.mask.mean() < 0.1 * find_ink(noisy(faint, 2)).mask.mean()


@pytest.mark.parametrize("row", range(0, 100, 11))
def test_the_mask_is_the_ink_that_was_put_there(digits, row):
    picture = on_paper(digits.images[row, ..., 0])
    ink = find_ink(picture)
    there = picture < 128
    assert (ink.mask & there).sum() >= 0.99 * there.sum()
    assert (ink.mask & (picture == 255)).sum() == 0
    assert np.array_equal(ink.strength, 255 - picture)


@pytest.mark.parametrize("row", range(0, 100, 11))
def test_a_negative_has_the_same_ink(digits, row):
    picture = on_paper(digits.images[row, ..., 0])
    one, other = find_ink(picture), find_ink(np.bitwise_not(picture))
    assert np.array_equal(one.mask, other.mask)
    assert np.array_equal(one.strength, other.strength)
    assert (one.dark_ink, other.dark_ink) == (True, False)


def weak_line(strength, *, joined):
    """A strong bar, and a short line of a share of its strength that goes on from it, or stands beside it."""
    picture = draw(page(120, 120), (40, 20, 40, 100), width=8, ink=20)
    picture[59:62, 44 if joined else 47 : 53] = round(220 - strength * 200)
    return picture


@pytest.mark.parametrize(("strength", "joined", "kept"), [
    (0.36, True, True), (0.36, False, False), (0.22, True, False), (0.60, False, True),
])  # fmt: skip
def test_weak_ink_counts_where_it_goes_on_from_sure_ink(strength, joined, kept):
    mask = find_ink(weak_line(strength, joined=joined)).mask
    assert mask[30:90, 38:43].all()
    assert (mask[60, 48:52] == kept).all()


def test_what_is_brighter_than_the_paper_under_dark_ink_is_no_ink():
    picture = draw(page(), (40, 20, 40, 80), width=8)
    picture[40:60, 4:24] = 250  # glare
    ink = find_ink(picture)
    assert not ink.mask[40:60, 4:24].any()
    assert (ink.strength[40:60, 4:24] == 0).all()
    assert ink.mask[25:75, 38:42].all()


def test_the_edge_of_a_sheet_is_no_ink():
    picture = page(120, 160)
    picture[:, 100:] = 50  # the table
    picture = draw(picture, (50, 30, 50, 90), width=8)
    mask = find_ink(picture).mask
    assert mask[35:85, 48:52].all()
    assert not mask[:, 96:104].any()


@pytest.mark.parametrize(("shape", "limit", "scale"), [
    ((100, 256), 256, 1), ((100, 257), 256, 2), ((1200, 900), 256, 5), ((640, 480), 320, 2), ((480, 640), 256, 3),
])  # fmt: skip
def test_large_pictures_are_reduced_by_a_whole_number(shape, limit, scale):
    ink = find_ink(page(*shape), limit)
    assert ink.scale == scale
    assert ink.strength.shape == ink.mask.shape == tuple(-(-side // scale) for side in shape)
    assert max(ink.mask.shape) <= limit


def test_brightness_and_contrast_are_taken_out(digits):
    for digit in digits.images[::9, ..., 0]:
        reference = find_ink(on_paper(digit)).mask
        faint = (on_paper(digit) * 0.4 + 90).astype(np.uint8)
        assert np.mean(find_ink(faint).mask != reference) < 0.002


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=64)), st.integers(8, 256))
def test_any_picture_has_ink_or_none(grey, limit):
    ink = find_ink(grey, limit)
    assert ink.strength.dtype == np.uint8
    assert ink.mask.dtype == np.bool_
    assert ink.strength.shape == ink.mask.shape
    assert (ink.strength[ink.mask] >= MIN_STRENGTH).all()
    assert (ink.contrast > 0) == ink.mask.any()
    assert ink.noise >= 0
