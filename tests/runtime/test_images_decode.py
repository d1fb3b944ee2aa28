from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from edgedigits.errors import ImageError
from edgedigits.images import decode
from edgedigits.images.decode import FORMATS, MAX_PIXELS, read_pixels

MODES = (
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "LA",
    "PA",
    "RGBX",
    "RGBa",
    "La",
    "I;16",
)
GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "F"}


@pytest.fixture(scope="module")
def ramp():
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


def encoded(image, format_, **options):
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_is_decoded_grey_and_in_colour(mode):
    image = Image.new(mode, (5, 3))
    for channels in (1, 3, None):
        pixels = read_pixels(image, channels)
        assert pixels.dtype == np.uint8
        expected = channels or (1 if mode in GREY_MODES else 3)
        assert pixels.shape == (3, 5, expected)


@pytest.mark.parametrize(
    ("mode", "colour", "grey"),
    [
        ("1", 1, 255), ("L", 77, 77), ("RGB", (90, 90, 90), 90), ("RGBA", (90, 90, 90, 255), 90),
        ("LA", (90, 255), 90), ("CMYK", (0, 0, 0, 255), 0), ("I", 256 * 80 + 3, 80), ("I", 70_000, 255), ("I", -5, 0),
        ("I;16", 65_535, 255), ("I;16", 256, 1), ("F", 0.5, 128), ("F", 200.0, 200), ("RGBX", (9, 9, 9, 0), 9),
    ],
)  # fmt: skip
def test_a_grey_stays_the_grey_it_was(mode, colour, grey):
    assert (read_pixels(Image.new(mode, (4, 4), colour), 1) == grey).all()
    assert (read_pixels(Image.new(mode, (4, 4), colour), 3) == grey).all()


def test_grey_is_weighed_as_eyes_do():
    values = [read_pixels(Image.new("RGB", (1, 1), colour), 1).item() for colour in ("red", "lime", "blue")]
    assert values == [76, 150, 29]  # ITU-R 601


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGBa", "La"])
def test_what_is_transparent_becomes_white(mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    if mode == "La":
        image = image.convert("LA")
    assert list(read_pixels(image.convert(mode), 1).ravel()) == [255, 0]


def test_half_transparent_black_becomes_grey():
    assert read_pixels(Image.new("RGBA", (1, 1), (0, 0, 0, 128)), 1).item() == 127


def test_a_palettes_or_a_greys_transparent_colour_becomes_white():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 30, 30, 30])
    image.putpixel((1, 0), 1)
    assert list(read_pixels(encoded(image, "PNG", transparency=0), 1).ravel()) == [255, 30]
    grey = Image.fromarray(np.array([[0, 30]], np.uint8))
    assert list(read_pixels(encoded(grey, "PNG", transparency=0), 1).ravel()) == [255, 30]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_allowed_format_is_read_from_path_and_bytes(ramp, format_, tmp_path):
    data = encoded(Image.fromarray(ramp), format_)
    (tmp_path / "picture").write_bytes(data)
    loss = 12 if format_ in {"JPEG", "WEBP"} else 0
    for source in (data, tmp_path / "picture", str(tmp_path / "picture")):
        assert np.abs(read_pixels(source, 1)[..., 0].astype(int) - ramp).max() <= loss


@pytest.mark.parametrize("format_", ["TGA", "PCX", "SGI", "ICO", "EPS"])
def test_other_formats_are_not_even_tried(format_):
    with pytest.raises(ImageError) as caught:
        read_pixels(encoded(Image.new("RGB", (16, 16)), format_))
    assert str(caught.value) == (
        "image bytes: expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found something else"
    )


def test_sixteen_bit_files_keep_their_upper_byte(tmp_path):
    values = (np.arange(256, dtype=np.uint16) * 256 + 7).reshape(16, 16)
    for format_ in ("PNG", "TIFF", "PPM"):
        found = read_pixels(encoded(Image.fromarray(values), format_))
        assert np.array_equal(found[..., 0], values >> 8)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_turned_as_the_camera_says(turn):
    upright = np.zeros((20, 30), np.uint8)
    upright[:5, :5] = 200  # top left
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[turn]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    assert np.array_equal(read_pixels(data, 1)[..., 0], upright)


def test_a_large_jpeg_is_decoded_small_when_grey_is_enough():
    data = encoded(Image.new("L", (2100, 1600), 90), "JPEG")
    height, width, _ = read_pixels(data, 1).shape
    assert 512 <= min(height, width) < 1100
    assert read_pixels(data, 3).shape == (1600, 2100, 3)
    assert read_pixels(encoded(Image.new("L", (600, 600), 90), "JPEG"), 1).shape == (600, 600, 1)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_a_model_with_other_channels_is_told(channels):
    with pytest.raises(ImageError) as caught:
        read_pixels(Image.new("L", (2, 2)), channels)
    assert str(caught.value) == f"a model with {channels} channels: expected 1 (grey) or 3 (RGB)"


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        (np.array([[0, 200]], np.uint8), [0, 200]),
        (np.array([[255, 256 * 200 + 9]], np.uint16), [0, 200]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0.0, 1.0, 0.5]]), [0, 255, 128]),
        (np.array([[0.0, 254.6, 1.4]], np.float32), [0, 255, 1]),
        (np.array([[0.0, 255.0]], np.float16), [0, 255]),
        (np.array([[0.0, 1.5]]), [0, 2]),
        (np.array([[[7], [9]]], np.uint8), [7, 9]),
        (np.array([[[7, 7, 7], [9, 9, 9]]], np.uint8), [7, 9]),
        (np.array([[[7, 7, 7, 255], [9, 9, 9, 0]]], np.uint8), [7, 255]),
        (np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))[:, ::-1], [2, 1, 0, 5, 4, 3]),
    ],
)
def test_arrays_of_every_kind_become_the_pixels_they_mean(values, grey):
    assert list(read_pixels(values, 1).ravel()) == grey


def test_an_array_keeps_its_channels_unless_told():
    assert read_pixels(np.zeros((2, 3), np.uint8)).shape == (2, 3, 1)
    assert read_pixels(np.zeros((2, 3, 1), np.uint8)).shape == (2, 3, 1)
    assert read_pixels(np.zeros((2, 3, 3), np.uint8)).shape == (2, 3, 3)


@pytest.mark.parametrize("shape", [(), (3,), (0, 3), (3, 0), (2, 2, 2), (2, 2, 5), (1, 2, 2, 3), (0, 0, 3)])
def test_an_array_of_another_shape_is_refused(shape):
    with pytest.raises(ImageError) as caught:
        read_pixels(np.zeros(shape, np.uint8))
    assert str(caught.value) == f"array: expected [H, W] or [H, W, 1|3|4], found {list(shape)}"


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint32", "complex64", "object", "U1", "datetime64[s]"])
def test_an_array_of_another_type_is_refused(dtype):
    with pytest.raises(ImageError) as caught:
        read_pixels(np.zeros((2, 2)).astype(dtype))
    assert str(caught.value) == f"array: expected uint8, uint16, bool or float pixels, found {np.dtype(dtype)}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 255.5, -float("inf")])
def test_floats_that_are_no_pixels_are_refused(value):
    values = np.zeros((3, 3))
    values[1, 1] = value
    with pytest.raises(ImageError, match=r"array: expected float pixels in 0-1 or 0-255 without NaN, found "):
        read_pixels(values)


def test_the_range_that_was_found_is_told():
    with pytest.raises(ImageError, match=r"found -0\.5 to 300$"):
        read_pixels(np.array([[-0.5, 300.0]]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected an image, found an empty file"),
        (b"hello, I am text", "expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found something else"),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"P6 nonsense", None),
    ],
)
def test_what_is_no_image_is_told_with_its_name(tmp_path, data, message):
    (tmp_path / "7.png").write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_pixels(tmp_path / "7.png")
    assert str(caught.value).startswith(f"{tmp_path / '7.png'}: ")
    assert message is None or str(caught.value) == f"{tmp_path / '7.png'}: {message}"


def test_a_path_that_cannot_be_read_is_told(tmp_path):
    for place, reason in ((tmp_path, "Is a directory"), (tmp_path / "no.png", "No such file or directory")):
        with pytest.raises(ImageError) as caught:
            read_pixels(place)
        assert str(caught.value) == f"{place}: cannot be read ({reason}); expected an image file"


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_file_cut_short_anywhere_is_damaged_never_half_an_image(digits, format_):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    data = encoded(Image.fromarray(noise), format_)
    for share in (0.05, 0.3, 0.6, 0.9):
        with pytest.raises(ImageError, match="image bytes: "):
            read_pixels(data[: int(len(data) * share)])


def test_a_truncated_file_is_called_damaged(ramp):
    data = encoded(Image.fromarray(np.tile(ramp, (9, 9))), "JPEG")
    with pytest.raises(ImageError, match=r"^image bytes: is damaged or cut short \(.*truncated.*\)$"):
        read_pixels(data[: len(data) // 2])


@given(st.data())
def test_no_broken_byte_makes_it_fail_otherwise(digits, data):
    whole = bytearray(encoded(Image.fromarray(digits.images[0, ..., 0]), data.draw(st.sampled_from(FORMATS))))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's about odd metadata
        with suppress(ImageError):
            assert read_pixels(bytes(whole), 1).dtype == np.uint8


def png_header(width, height):
    """A PNG of which there is nothing but its size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return start + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (40_000, 40_000), (2**31 - 1, 2**31 - 1), (64_000_001, 1)])
def test_a_picture_that_is_too_large_is_refused_by_its_header(width, height):
    with pytest.raises(ImageError, match=r"^image bytes: (expected at most 64 megapixels|cannot be decoded)"):
        read_pixels(png_header(width, height))


def test_the_limit_is_told_with_what_was_found():
    with pytest.raises(ImageError) as caught:
        read_pixels(png_header(8001, 8000))
    assert str(caught.value) == (
        "image bytes: expected at most 64 megapixels, found 8001 x 8000; make it smaller first"
    )


def test_a_picture_of_exactly_the_limit_is_decoded(monkeypatch):
    assert MAX_PIXELS == 64_000_000
    monkeypatch.setattr(decode, "MAX_PIXELS", 6)
    assert read_pixels(encoded(Image.new("L", (3, 2)), "PNG")).shape == (2, 3, 1)
    assert read_pixels(np.zeros((2, 3), np.uint8)).shape == (2, 3, 1)
    for too_large in (encoded(Image.new("L", (7, 1)), "PNG"), np.zeros((7, 1), np.uint8)):
        with pytest.raises(ImageError, match="expected at most 0 megapixels, found"):
            read_pixels(too_large)


def test_an_array_beyond_the_limit_costs_no_copy():
    wide = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (8001, 8000), (0, 0))
    with pytest.raises(ImageError) as caught:
        read_pixels(wide)
    assert str(caught.value) == "array: expected at most 64 megapixels, found [8001, 8000]"


@given(npst.arrays(st.sampled_from([np.uint8, np.bool_, np.uint16]), npst.array_shapes(min_dims=2, max_dims=2)))
def test_any_array_of_pixels_keeps_its_size(values):
    assert read_pixels(values, 1).shape == (*values.shape, 1)
