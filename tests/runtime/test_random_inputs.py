"""Random inputs have the type and shape of a model's, and values that nearly every model takes."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.errors import UsageError
from edgedigits.input_shapes import InputShape
from edgedigits.manifest import TensorInfo
from edgedigits.random_inputs import random_inputs


def one(dtype, shape=(1, 28, 28, 3), scale=None, seed=0):
    (value,) = random_inputs([TensorInfo("x", dtype, shape, scale, 0)], [InputShape("x", shape)], seed)
    assert isinstance(value, np.ndarray)
    assert (value.dtype, value.shape) == (dtype, shape)
    return value


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float16", "float32", "float64", "int64", "bool", "complex64"])
def test_a_seed_always_gives_the_same(dtype):
    assert np.array_equal(one(dtype), one(dtype))
    assert not np.array_equal(one(dtype), one(dtype, seed=1))
    one(dtype, ())  # a scalar is an array, too


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_are_from_zero_to_one(dtype):
    value = one(dtype)
    assert value.min() >= 0
    assert 0.9 < value.max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_bytes_are_pixels_of_the_whole_range(dtype):
    value = one(dtype)
    assert (value.min(), value.max()) == (np.iinfo(dtype).min, np.iinfo(dtype).max)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_wider_integers_are_ids_that_every_table_and_mask_has_unless_they_are_quantized(dtype):
    assert set(one(dtype).ravel().tolist()) == {0, 1}
    quantized = one(dtype, (100, 100), scale=0.5)
    assert int(quantized.max()) - int(quantized.min()) > 0.99 * (np.iinfo(dtype).max - int(np.iinfo(dtype).min))


def test_flags_are_both():
    assert set(one("bool").ravel().tolist()) == {False, True}


def test_several_inputs_differ():
    inputs = [TensorInfo(name, "float32", (4,), None, None) for name in "ab"]
    first, second = random_inputs(inputs, [InputShape(name, (4,)) for name in "ab"])
    assert not np.array_equal(first, second)
    assert random_inputs([], []) == []


@pytest.mark.parametrize(
    "dtype", ["string", "seq(tensor(float))", "map(string,tensor(float))", "bfloat16_", "float8e5m2"]
)
def test_what_is_no_number_is_refused_in_one_line(dtype):
    inputs = [TensorInfo("a", "int8", (1,), None, None), TensorInfo("b", dtype, (1,), None, None)]
    with pytest.raises(UsageError) as caught:
        random_inputs(inputs, [InputShape("a", (1,)), InputShape("b", (1,))])
    assert str(caught.value) == (
        f"the file: expected inputs of numbers, for which random ones can stand, found 'b' of the type {dtype}; run it "
        "in the program that it was made for"
    )
