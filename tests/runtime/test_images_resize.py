from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgedigits.images.decode import read_pixels
from edgedigits.images.resize import read_resized, resize


@pytest.mark.parametrize("channels", [1, 3])
def test_the_right_size_is_untouched(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    assert resize(pixels, 5, 7) is pixels


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(7, 5), (10, 14), (1, 1), (5, 3), (3, 7)])
def test_any_picture_gets_the_models_size_channel_by_channel(channels, size):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    found = resize(pixels, *size)
    assert found.shape == (*size, channels)
    assert found.dtype == np.uint8
    for channel in range(channels):
        plane = Image.fromarray(pixels[..., channel]).resize(size[::-1], Image.Resampling.BILINEAR)
        assert np.array_equal(found[..., channel], np.asarray(plane))


def test_shrinking_averages_instead_of_dropping_pixels():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 200
    found = resize(stripes, 8, 8)
    assert np.abs(found[:, 1:-1].astype(int) - 100).max() <= 3


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_is_decoded_in_the_models_channels_and_resized(tmp_path, channels):
    Image.effect_noise((40, 30), 50).convert("RGB").save(tmp_path / "a.png")
    expected = resize(read_pixels(tmp_path / "a.png", channels), 8, 12)
    assert np.array_equal(read_resized(tmp_path / "a.png", (8, 12, channels)), expected)
