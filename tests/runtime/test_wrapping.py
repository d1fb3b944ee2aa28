"""What is done around a finished file: pixels in its order, scale and type, its scores as probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.manifest import Adapter, PixelScaling, TensorInfo
from edgedigits.wrapping import Wrapping, to_form, to_shares

PIXELS = np.arange(2 * 3 * 5 * 3, dtype=np.uint8).reshape(2, 3, 5, 3)
RAW = PixelScaling(1.0, (0.0,), (1.0,), bgr=False)


def tensor(dtype, shape, scale=None, zero_point=None):
    return TensorInfo("x", dtype, shape, scale, zero_point)


def around(layout="NHWC", scores="probabilities", scaling=RAW):
    return Wrapping(Adapter(layout, scores), scaling)


def test_channels_first_are_turned_and_not_only_reshaped():
    found = to_form(PIXELS, tensor("float32", (1, 3, 3, 5)), around("NCHW"))
    assert found.dtype == np.float32
    assert np.array_equal(found, PIXELS.transpose(0, 3, 1, 2))


def test_blue_comes_first_where_the_model_takes_it_so_and_each_channel_has_its_mean():
    scaling = PixelScaling(1 / 255, (0.1, 0.2, 0.3), (0.5, 1.0, 2.0), bgr=True)
    found = to_form(PIXELS, tensor("float32", (1, 3, 5, 3)), around(scaling=scaling))
    expected = (PIXELS[..., ::-1] / 255 - np.array([0.1, 0.2, 0.3])) / np.array([0.5, 1.0, 2.0])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 0), ("int8", -128)])
def test_a_quantized_input_gets_scaled_pixels_in_its_steps(dtype, zero_point):
    scaling = PixelScaling(1 / 255, (0.0,), (1.0,), bgr=False)
    found = to_form(PIXELS, tensor(dtype, (1, 3, 5, 3), 1 / 255, zero_point), around(scaling=scaling))
    assert found.dtype == dtype
    assert np.array_equal(found.astype(int) - zero_point, PIXELS)


def test_an_input_without_channels_is_given_none():
    assert to_form(PIXELS[..., :1], tensor("float32", (1, 3, 5)), around()).shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("scores", "values", "expected"),
    [
        ("probabilities", [[0.25, 0.75]], [[0.25, 0.75]]),
        ("logits", [[1000.0, 1000.0]], [[0.5, 0.5]]),
        ("probability of the second", [[0.2]], [[0.8, 0.2]]),
        ("score of the second", [[np.log(3)]], [[0.25, 0.75]]),
    ],
)
def test_every_kind_of_scores_becomes_probabilities(scores, values, expected):
    found = to_shares(np.array(values, np.float32), tensor("float32", (1, 2)), around(scores=scores))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_quantized_output_is_read_with_its_scale_and_any_shape_of_one_vector():
    values = np.array([[[[-128, 127]]]], np.int8)
    found = to_shares(values, tensor("int8", (1, 1, 1, 2), 1 / 255, -128), around())
    np.testing.assert_allclose(found, [[0.0, 1.0]], atol=1e-6)
