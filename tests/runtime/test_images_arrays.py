from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.errors import ImageError
from edgedigits.images.decode import read_pixels


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        (np.array([[0, 200]], np.uint8), [0, 200]),
        (np.array([[255, 256 * 200 + 9]], np.uint16), [0, 200]),
        (np.array([[255, 256 * 200 + 9]], ">u2"), [0, 200]),
        (np.array([[4, 1023]], np.uint16), [1, 255]),
        (np.array([[16, 4095]], np.uint16), [1, 255]),
        (np.array([[256, 4096]], np.uint16), [1, 16]),
        (np.array([[7, 255]], np.uint16), [7, 255]),
        (np.array([[7, 127]], np.int8), [7, 127]),
        (np.array([[7, 255]], np.int64), [7, 255]),
        (np.array([[256, 65_535]], np.uint32), [1, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0.0, 1.0, 0.5]]), [0, 255, 128]),
        (np.array([[0.0, 254.6, 1.4]], np.float32), [0, 255, 1]),
        (np.array([[0.0, 255.0]], np.float16), [0, 255]),
        (np.array([[0.0, 1.5]]), [0, 2]),
        (np.array([[[7], [9]]], np.uint8), [7, 9]),
        (np.array([[[7, 7, 7], [9, 9, 9]]], np.uint8), [7, 9]),
        (np.array([[[7, 7, 7, 255], [9, 9, 9, 0]]], np.uint8), [7, 255]),
        (np.array([[[0.0, 0.0, 0.0, 0.5]]]), [127]),
        (np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))[:, ::-1], [2, 1, 0, 5, 4, 3]),
        (np.ma.masked_array([[3, 4]], mask=[[True, False]], dtype=np.uint8), [3, 4]),
    ],
)
def test_arrays_of_every_kind_become_the_pixels_they_mean(values, grey):
    assert list(read_pixels(values, 1).ravel()) == grey


def test_an_array_keeps_its_channels_unless_told():
    assert read_pixels(np.zeros((2, 3), np.uint8)).shape == (2, 3, 1)
    assert read_pixels(np.zeros((2, 3, 1), np.uint8)).shape == (2, 3, 1)
    assert read_pixels(np.zeros((2, 3, 3), np.uint8)).shape == (2, 3, 3)
    assert read_pixels(np.zeros((2, 3, 4), np.uint8)).shape == (2, 3, 3)
    assert read_pixels(np.full((2, 3), 9, np.uint8), 3).tolist() == np.full((2, 3, 3), 9).tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_opencvs_order_is_turned_round_where_told(dtype):
    red_in_opencv = np.array([[[0, 0, 255]]], dtype)
    assert read_pixels(red_in_opencv, bgr=True).ravel().tolist() == [255, 0, 0]
    assert read_pixels(red_in_opencv).ravel().tolist() == [0, 0, 255]
    assert read_pixels(red_in_opencv, 1, bgr=True).item() == 76
    half = np.array([[[0, 0, 255, 255], [0, 0, 255, 0]]], dtype)
    assert read_pixels(half, bgr=True).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert read_pixels(np.array([[5, 9]], dtype), bgr=True).ravel().tolist() == [5, 9]


def test_pixels_are_a_copy_and_a_cameras_next_frame_does_not_change_them():
    frame = np.full((4, 4), 7, np.uint8)
    pixels = read_pixels(frame, 1)
    frame[:] = 9
    assert (pixels == 7).all()


@pytest.mark.parametrize("shape", [(), (3,), (0, 3), (3, 0), (2, 2, 2), (2, 2, 5), (1, 2, 2, 3), (0, 0, 3), (2, 2, 0)])
def test_an_array_of_another_shape_is_refused(shape):
    with pytest.raises(ImageError) as caught:
        read_pixels(np.zeros(shape, np.uint8))
    assert str(caught.value) == f"array: expected [H, W] or [H, W, 1|3|4], found {list(shape)}"


@pytest.mark.parametrize("dtype", ["complex64", "object", "U1", "S1", "datetime64[s]", "timedelta64[s]", "u1,u1"])
def test_an_array_of_another_type_is_refused(dtype):
    with pytest.raises(ImageError) as caught:
        read_pixels(np.zeros((2, 2), dtype))
    assert str(caught.value) == (f"array: expected pixels of whole numbers, bool or float, found {np.dtype(dtype)}")


@pytest.mark.parametrize(("low", "high"), [(-1, 255), (0, 65_536), (-128, -1), (0, 2**31)])
def test_whole_numbers_that_are_no_pixels_are_refused(low, high):
    with pytest.raises(ImageError) as caught:
        read_pixels(np.array([[low, high]], np.int64))
    assert str(caught.value) == f"array: expected whole numbers in 0-255 or 0-65535, found {low} to {high}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 255.5, -float("inf")])
def test_floats_that_are_no_pixels_are_refused(value):
    values = np.zeros((3, 3))
    values[1, 1] = value
    with pytest.raises(ImageError, match=r"array: expected float pixels in 0-1 or 0-255 without NaN, found "):
        read_pixels(values)


def test_the_range_that_was_found_is_told():
    with pytest.raises(ImageError, match=r"found -0\.5 to 300$"):
        read_pixels(np.array([[-0.5, 300.0]]))


@pytest.mark.parametrize("shape", [(8001, 8000), (8001, 8000, 1), (8001, 8000, 4), (1, 64_000_001)])
def test_an_array_beyond_the_limit_costs_no_copy(shape):
    wide = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), shape, (0,) * len(shape))
    with pytest.raises(ImageError) as caught:
        read_pixels(wide)
    found = list(shape[:2] if shape[-1] == 1 else shape)
    assert str(caught.value) == f"array: expected at most 64 megapixels, found {found}"


VARIANTS = {
    "int16": lambda grey: grey.astype(np.int16),
    "uint64": lambda grey: grey.astype(np.uint64),
    "big-endian": lambda grey: grey.astype(">i4"),
    "10 bits": lambda grey: grey.astype(np.uint16) * 4 + 3,
    "12 bits": lambda grey: grey.astype(np.uint16) * 16 + 15,
    "16 bits": lambda grey: grey.astype(np.uint16) * 257,
    "float32 in 0-255": lambda grey: grey.astype(np.float32),
    "float16 in 0-255": lambda grey: grey.astype(np.float16),
    "float64 in 0-1": lambda grey: grey / 255,
    "float32 in 0-1": lambda grey: (grey / 255).astype(np.float32),
    "strided": lambda grey: np.repeat(grey, 2, axis=1)[:, ::2],
    "Fortran": np.asfortranarray,
    "one channel": lambda grey: grey[..., np.newaxis],
    "three channels": lambda grey: np.repeat(grey[..., np.newaxis], 3, axis=2),
    "opaque": lambda grey: np.dstack([grey, grey, grey, np.full_like(grey, 255)]),
}


@pytest.mark.parametrize("variant", VARIANTS)
@given(pixels=npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_the_same_picture_gives_the_same_pixels_in_every_type(variant, pixels):
    # A white and a black corner: of what fills its depth alone the depth can be told.
    pixels = np.pad(pixels, 1)
    pixels[0, 0] = 255
    found = read_pixels(VARIANTS[variant](pixels), 1)
    assert found.dtype == np.uint8
    assert np.array_equal(found[..., 0], pixels)


@given(npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2)))
def test_bool_is_black_and_white(mask):
    assert np.array_equal(read_pixels(mask, 1)[..., 0], np.where(mask, 255, 0))


anything = st.one_of(
    npst.scalar_dtypes(), npst.unsigned_integer_dtypes(), npst.floating_dtypes(), npst.array_dtypes(max_size=2)
).flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))


@pytest.mark.slow
@given(anything, st.sampled_from([None, 1, 3]), st.booleans())
def test_no_array_makes_it_fail_otherwise(values, channels, bgr):
    with suppress(ImageError), np.errstate(all="ignore"):
        pixels = read_pixels(values, channels, bgr=bgr)
        assert pixels.dtype == np.uint8
        assert pixels.shape[:2] == values.shape[:2]
        assert pixels.shape[2] in ({channels} if channels else {1, 3})


@given(npst.arrays(st.sampled_from([np.uint8, np.bool_, np.uint16]), npst.array_shapes(min_dims=2, max_dims=2)))
def test_any_array_of_pixels_keeps_its_size(values):
    assert read_pixels(values, 1).shape == (*values.shape, 1)
