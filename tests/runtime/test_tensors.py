from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.errors import ModelRejectedError
from edgedigits.manifest import TensorInfo
from edgedigits.tensors import to_model_input, to_probabilities

PIXELS = npst.arrays(np.uint8, (2, 3, 3, 1))
ALL = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


def tensor(dtype, scale=None, zero_point=None, shape=(1, 16, 16, 1)):
    return TensorInfo("x", dtype, shape, scale, zero_point)


def test_pixels_are_fed_as_they_are_to_this_projects_files():
    assert to_model_input(ALL, tensor("uint8")) is ALL


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "expected"),
    [
        ("uint8", 1.0, 0, ALL),  # raw pixels
        ("int8", 1.0, -128, ALL.astype(int) - 128),
        ("uint8", 1 / 255, 0, ALL),  # 0 to 1
        ("int8", 1 / 255, -128, ALL.astype(int) - 128),
        ("uint8", 1 / 127.5, 128, None),  # -1 to 1
        ("int8", 1 / 127.5, 0, None),
    ],
)
def test_a_foreign_files_range_says_which_values_its_steps_stand_for(dtype, scale, zero_point, expected):
    fed = to_model_input(ALL, tensor(dtype, scale, zero_point))
    assert fed.dtype == dtype
    if expected is None:
        limits = np.iinfo(dtype)
        steps = [round((pixel / 127.5 - 1) / scale + zero_point) for pixel in range(256)]
        expected = np.clip(steps, limits.min, limits.max).reshape(ALL.shape)
        assert np.abs(fed.astype(int) - expected).max() <= 1  # exact halves may be rounded either way in float32
    else:
        assert np.array_equal(fed, expected)


@given(
    PIXELS,
    st.sampled_from(["uint8", "int8"]),
    st.floats(1e-3, 2),
    st.integers(-128, 255),
)
def test_quantizing_is_scale_shift_round_and_clip(pixels, dtype, scale, zero_point):
    limits = np.iinfo(dtype)
    low, high = ((limit - zero_point) * scale for limit in (limits.min, limits.max))
    fed = to_model_input(pixels, tensor(dtype, scale, zero_point))
    assert fed.dtype == dtype
    assert fed.shape == pixels.shape
    for pixel, found in zip(pixels.ravel(), fed.ravel(), strict=True):
        real = float(pixel)
        if high <= 2:
            real = real / 255 if low > -0.5 else real / 127.5 - 1
        exact = real / scale + zero_point
        assert (
            min(max(exact - 0.5001, limits.min), limits.max)
            <= found
            <= max(min(exact + 0.5001, limits.max), limits.min)
        )


def white(scale, zero_point):
    """The step that stands for a white pixel in a uint8 input."""
    return to_model_input(np.full((1, 1, 1, 1), 200, np.uint8), tensor("uint8", scale, zero_point)).item()


def test_an_input_that_reaches_past_two_takes_raw_pixels():
    assert white(2 / 255, 0) == round(200 / 255 / (2 / 255))
    assert white(2.1 / 255, 0) == 255  # 200 lies far outside: clipped


def test_an_input_that_reaches_down_to_a_half_is_centred():
    assert white(1 / 128, 63) == round(200 / 255 * 128) + 63
    assert white(1 / 128, 65) == round((200 / 127.5 - 1) * 128) + 65
    assert white(1 / 128, 64) == round((200 / 127.5 - 1) * 128) + 64  # exactly -0.5


def test_what_lies_outside_the_range_is_clipped_not_wrapped():
    fed = to_model_input(np.array([[[[0], [255]]]], np.uint8), tensor("int8", 1.0, 0))
    assert list(fed.ravel()) == [0, 127]


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [("float32", None, None), ("int8", None, None), ("int16", 1.0, 0), ("float32", 1.0, 0), ("uint8", 1.0, None)],
)
def test_an_input_whose_scaling_nobody_states_is_refused(dtype, scale, zero_point):
    with pytest.raises(ModelRejectedError) as caught:
        to_model_input(ALL, tensor(dtype, scale, zero_point))
    assert str(caught.value) == (
        f"input 'x' is {dtype} without quantization, and nothing says how pixels are scaled for it; "
        "export the model with edgedigits, or put the scaling inside"
    )


def test_float_outputs_stay_and_quantized_ones_are_brought_back():
    values = np.array([[0.25, 0.75]], np.float32)
    assert to_probabilities(values, tensor("float32")) is values
    found = to_probabilities(np.array([[-128, 0, 127]], np.int8), tensor("int8", 1 / 256, -128))
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 0.5, 255 / 256]]
    halves = to_probabilities(np.array([[0.5]], np.float16), tensor("float16"))
    assert halves.dtype == np.float32
