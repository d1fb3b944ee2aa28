from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.errors import ModelRejectedError, UsageError
from edgedigits.manifest import TensorInfo
from edgedigits.tensors import random_input, to_model_input, to_probabilities

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


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32", "float16"])
def test_an_input_to_measure_with_has_the_models_type_shape_and_range(dtype):
    image = random_input(tensor(dtype, shape=(-1, 28, 28, 3)))
    assert image.shape == (1, 28, 28, 3)
    assert image.dtype == dtype
    assert np.array_equal(image, random_input(tensor(dtype, shape=(-1, 28, 28, 3))))
    assert not np.array_equal(image, random_input(tensor(dtype, shape=(-1, 28, 28, 3)), seed=1))
    if dtype in {"uint8", "int8"}:
        assert (image.min(), image.max()) == (np.iinfo(dtype).min, np.iinfo(dtype).max)
    else:
        assert image.min() >= 0
        assert 0.9 < image.max() <= 1


@pytest.mark.parametrize("shape", [(-1, 28, 28, 1), (-1, -1, 3), (-1,)])
def test_a_batch_to_measure_with_is_as_long_as_asked_where_the_first_axis_is_free(shape):
    rest = tuple(max(1, n) for n in shape[1:])
    assert random_input(tensor("uint8", shape=shape), 7).shape == (7, *rest)
    assert random_input(tensor("uint8", shape=shape), 1).shape == (1, *rest)
    many = random_input(tensor("uint8", shape=(-1, 28, 28, 1)), 2)
    assert not np.array_equal(many[0], many[1])
    assert not np.array_equal(many, random_input(tensor("uint8", shape=(-1, 28, 28, 1)), 2, 1))


@pytest.mark.parametrize("shape", [(1, 28, 28, 1), (7, 3), ()])
def test_a_batch_for_a_fixed_first_axis_is_refused(shape):
    with pytest.raises(UsageError) as caught:
        random_input(tensor("uint8", shape=shape), 7)
    assert str(caught.value) == f"input 'x': expected a free first axis for a batch of 7, found {shape}"
    assert random_input(tensor("uint8", shape=shape), 1).shape == shape


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint16"])
def test_whole_numbers_to_measure_with_use_their_whole_range(dtype):
    image = random_input(tensor(dtype, shape=(-1, 100, 100)))
    assert image.dtype == dtype
    span = np.iinfo(dtype).max - np.iinfo(dtype).min
    assert int(image.max()) - int(image.min()) > 0.99 * span


def test_flags_to_measure_with_are_off():
    image = random_input(tensor("bool", shape=(-1, 3)))
    assert (image.dtype, image.tolist()) == (bool, [[False] * 3])


def test_a_type_that_is_no_number_is_refused():
    with pytest.raises(ModelRejectedError) as caught:
        random_input(tensor("tensor(string)"))
    assert str(caught.value) == "input 'x': expected integers or floats, found tensor(string)"
