"""Local contrast: light and polarity disappear, noise is not amplified, every size works."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.images import contrast
from edgedigits.images.contrast import FLOOR, NONE, STEPS, local_contrast


def strokes(height: int = 96, width: int = 128) -> np.ndarray:
    grey = np.full((height, width), 200, np.uint8)
    grey[30:34, 20:100] = 60
    grey[40:80, 50:54] = 60
    return grey


@given(level=st.integers(0, 255), height=st.integers(4, 70), width=st.integers(4, 70))
def test_even_ground_has_no_contrast_in_any_size(level: int, height: int, width: int) -> None:
    assert (local_contrast(np.full((height, width), level, np.uint8)) == NONE).all()


def test_dark_ink_and_its_inverse_differ_in_sign_alone() -> None:
    own, inverse = (local_contrast(grey).astype(int) - NONE for grey in (strokes(), 255 - strokes()))
    assert own.min() < -STEPS
    np.testing.assert_allclose(own, -inverse, atol=1)


def test_uneven_light_disappears() -> None:
    light = np.linspace(0.4, 1, 128)
    lit = (strokes() * light).astype(np.uint8)
    own, even = (local_contrast(grey).astype(int) for grey in (lit, strokes()))
    ink = strokes() < 100
    assert abs(own[ink].mean() - even[ink].mean()) < 25
    assert own[ink].max() < own[~ink].mean() - STEPS


def test_noise_of_a_sensor_stays_faint() -> None:
    noise = np.random.default_rng(0).normal(120, 1, (80, 80)).round().astype(np.uint8)
    spread = (local_contrast(noise).astype(float) - NONE).std()
    assert spread < 1.3 * STEPS / (1 + FLOOR)


@pytest.mark.parametrize(("row", "column"), [(10, 10), (55, 70)])
def test_mean_and_deviation_are_those_of_the_surroundings(row: int, column: int) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (96, 128)).astype(np.uint8)
    around = grey[max(0, row - 34) : row + 34, max(0, column - 34) : column + 34].astype(float)
    expected = NONE + STEPS * (grey[row, column] - around.mean()) / (around.std() + FLOOR)
    assert local_contrast(grey)[row, column] == pytest.approx(np.clip(expected, 0, 255), abs=6)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_small_pictures_are_computed_as_large_ones(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    small = local_contrast(grey)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contrast, "_SMALL", 0)
        large = local_contrast(grey)
    # A level that lies between two is rounded up by the one and down by the other.
    assert np.abs(small.astype(int) - large).max() <= 1
    assert (small != large).mean() < 0.01
