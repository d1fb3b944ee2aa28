from __future__ import annotations

import io
import struct
import subprocess
import sys
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
from edgedigits.images.decode import MAX_PIXELS, PictureLimits, read_picture, read_pixels, read_shape
from edgedigits.images.formats import FORMATS

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
    "I;16L",
    "I;16B",
)
GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "F"}


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
        ("I;16", 65_535, 255), ("I;16", 256, 64), ("I;16B", 256 * 80 + 3, 80), ("I;16L", 256 * 80 + 3, 80),
        ("F", 0.5, 128), ("F", 200.0, 200), ("RGBX", (9, 9, 9, 0), 9),
    ],
)  # fmt: skip
def test_a_grey_stays_the_grey_it_was(mode, colour, grey):
    assert (read_pixels(Image.new(mode, (4, 4), colour), 1) == grey).all()
    assert (read_pixels(Image.new(mode, (4, 4), colour), 3) == grey).all()


def test_grey_is_weighed_as_eyes_do():
    values = [read_pixels(Image.new("RGB", (1, 1), colour), 1).item() for colour in ("red", "lime", "blue")]
    assert values == [76, 150, 29]  # ITU-R 601


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGBa", "La"])
def test_below_dark_ink_what_is_transparent_becomes_white(mode):
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


def test_a_palettes_own_transparency_becomes_white():
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 30, 30, 30, 60, 60, 60])
    image.putdata([0, 1, 2])
    data = encoded(image, "PNG", transparency=bytes([0, 128, 255]))
    assert list(read_pixels(data, 1).ravel()) == [255, 142, 60]
    both = Image.new("PA", (2, 1))
    both.putpixel((0, 0), (0, 0))
    both.putpixel((1, 0), (0, 255))
    assert list(read_pixels(both, 1).ravel()) == [255, 0]


def test_a_colours_transparency_becomes_white():
    image = Image.new("RGB", (2, 1), (9, 9, 9))
    image.putpixel((1, 0), (30, 30, 30))
    assert list(read_pixels(encoded(image, "PNG", transparency=(9, 9, 9)), 1).ravel()) == [255, 30]


def drawn(ink, alpha, paper=0):
    """An RGBA picture whose cross of this ink is opaque to this degree, on transparent pixels of another colour."""
    pixels = np.full((60, 40, 4), (paper, paper, paper, 0), np.uint8)
    pixels[10:50, 18:22] = pixels[28:32, 8:32] = (ink, ink, ink, alpha)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("paper", [0, 128, 255])
@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (120, 255), (127, 255), (128, 0), (200, 0), (255, 0)])
def test_what_is_transparent_becomes_the_ground_that_ink_stands_out_from(ink, ground, paper):
    for mode in ("RGBA", "LA", "RGBa", "La"):
        image = drawn(ink, 255, paper).convert("LA" if mode == "La" else "RGBA").convert(mode)
        pixels = read_pixels(image, 1)[..., 0]
        assert (pixels[0, 0], pixels[30, 20]) == (ground, ink)
    for data in (encoded(drawn(ink, 255, paper), "PNG"), encoded(drawn(ink, 255, paper), "WEBP", lossless=True)):
        pixels = read_pixels(data, 3)
        assert (pixels[0, 0].tolist(), pixels[30, 20].tolist()) == ([ground] * 3, [ink] * 3)


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_a_palette_and_a_grey_with_a_transparent_colour_get_that_ground_too(ink, ground):
    pixels = np.zeros((60, 40), np.uint8)
    pixels[10:50, 18:22] = 1
    palette = Image.fromarray(pixels).convert("P")
    palette.putpalette([90, 90, 90, ink, ink, ink])
    grey = Image.fromarray(np.where(pixels == 1, np.uint8(ink), np.uint8(90)))
    for data in (
        encoded(palette, "PNG", transparency=0),
        encoded(palette, "PNG", transparency=bytes([0, 255])),
        encoded(palette, "GIF", transparency=0),
        encoded(grey, "PNG", transparency=90),
        encoded(grey.convert("RGB"), "PNG", transparency=(90, 90, 90)),
    ):
        found = read_pixels(data, 1)[..., 0]
        assert (found[0, 0], found[30, 20]) == (ground, ink)


def test_edges_and_faint_pixels_do_not_choose_the_ground():
    image = drawn(255, 255)
    image.putpixel((17, 30), (0, 0, 0, 120))  # an edge that was mixed with what lay below
    image.putpixel((0, 0), (0, 0, 0, 3))
    assert read_pixels(image, 1)[59, 0] == 0
    assert read_pixels(drawn(255, 100), 1)[59, 0] == 0  # all of it is faint
    for paper in (0, 255):
        assert (read_pixels(drawn(255, 0, paper), 1) == 255).all()  # there is nothing


@pytest.mark.parametrize(("paper", "ink"), [(240, 30), (30, 240)])
def test_a_sheet_cut_out_with_its_ink_keeps_white_around_it(paper, ink):
    pixels = np.zeros((300, 200, 4), np.uint8)
    pixels[40:260, 30:170] = (paper, paper, paper, 255)
    pixels[140:160, 98:102] = (ink, ink, ink, 255)
    assert read_pixels(Image.fromarray(pixels), 1)[0, 0] == 255


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)), st.integers(0, 255))
def test_ink_of_one_grey_always_stands_out(alpha, ink):
    image = Image.fromarray(np.dstack([np.full_like(alpha, ink), alpha]))
    pixels = read_pixels(image, 1)[..., 0].astype(int)
    ground = 0 if alpha.any() and ink > 127 else 255
    if alpha.min() < 255:
        assert np.abs(pixels - (ground + (ink - ground) * (alpha / 255))).max() <= 1
    else:
        assert (pixels == ink).all()


@pytest.mark.parametrize("format_", ["GIF", "TIFF", "WEBP", "PNG"])
def test_of_several_frames_the_first_counts(format_):
    frames = [Image.new("L", (8, 8), grey) for grey in (40, 90, 200)]
    options = {"lossless": True} if format_ == "WEBP" else {}
    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:], **options)
    assert (read_pixels(data, 1) == 40).all()
    opened = Image.open(io.BytesIO(data))
    opened.seek(1)
    assert (read_pixels(opened, 1) == 90).all()  # somebody chose that one


@pytest.mark.parametrize("format_", FORMATS)
def test_every_allowed_format_is_read_from_path_and_bytes(ramp, format_, tmp_path):
    data = encoded(Image.fromarray(ramp), format_)
    (tmp_path / "picture").write_bytes(data)
    loss = 12 if format_ in {"JPEG", "WEBP"} else 0
    for source in (
        data, bytearray(data), memoryview(data), io.BytesIO(data), tmp_path / "picture", str(tmp_path / "picture"),
    ):  # fmt: skip
        assert np.abs(read_pixels(source, 1)[..., 0].astype(int) - ramp).max() <= loss


class Pipe(io.RawIOBase):
    """Gives its bytes once, in pieces, as sockets and pipes do."""

    def __init__(self, data, piece=1000):
        self.rest, self.piece = data, piece

    def readable(self):
        return True

    def read(self, size=-1):  # noqa: ARG002  a piece, whatever is asked for
        given, self.rest = self.rest[: self.piece], self.rest[self.piece :]
        return given


class Bare:
    """Only read(), as small wrappers have it."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("kind", [Pipe, Bare, io.BytesIO])
def test_a_file_object_is_read_whether_it_can_seek_or_not(ramp, format_, kind):
    data = encoded(Image.fromarray(np.tile(ramp, (9, 9))), format_)
    assert np.array_equal(read_pixels(kind(data), 1), read_pixels(data, 1))


def test_an_open_file_is_read_from_its_start_and_left_open(ramp, tmp_path):
    Image.fromarray(ramp).save(tmp_path / "x.png")
    with (tmp_path / "x.png").open("rb") as file:
        file.seek(0, 2)
        for _ in range(2):
            assert np.array_equal(read_pixels(file)[..., 0], ramp)
        assert not file.closed


def test_a_stream_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(decode, "MAX_BYTES", 2_000_000)
    with open("/dev/zero", "rb", buffering=0) as zero:
        endless = Bare(b"")
        endless.read = zero.read
        with pytest.raises(ImageError) as caught:
            read_pixels(endless)
    assert str(caught.value) == "image file: expected at most 2 MB, found more; make it smaller first"


def test_a_file_of_text_is_told(tmp_path):
    (tmp_path / "x.png").write_text("text")
    with (tmp_path / "x.png").open() as file, pytest.raises(ImageError) as caught:
        read_pixels(file)
    assert str(caught.value) == (
        f"{tmp_path / 'x.png'}: expected a binary file, found one that was opened as text; open it with 'rb'"
    )


@pytest.mark.parametrize(
    "error", [OSError("gone"), ValueError("I/O operation on closed file"), RuntimeError("?"), KeyError(3)]
)
@pytest.mark.parametrize("after", [0, 1, 2, 5])
def test_whatever_a_file_object_raises_is_an_image_error(ramp, error, after):
    file = io.BytesIO(encoded(Image.fromarray(np.tile(ramp, (99, 99))), "BMP"))
    calls = iter(range(99))

    class Broken(io.BytesIO):
        def read(self, size=-1):
            if next(calls) >= after:
                raise error
            return file.read(size)

        def seek(self, *where):
            return file.seek(*where)

        def tell(self):
            return file.tell()

    with pytest.raises(ImageError, match=r"^image file: "):
        read_pixels(Broken())


@pytest.mark.parametrize("source", [None, 7, 3.5, [[1, 2]], object(), {"a": 1}, (1, 2)])
def test_what_is_no_source_at_all_is_told(source):
    with pytest.raises(ImageError) as caught:
        read_pixels(source)
    assert str(caught.value) == (
        "image: expected a path, bytes, a binary file, a PIL image or an array, found " + type(source).__name__
    )


def test_a_pil_image_that_cannot_be_loaded_is_told(ramp):
    data = encoded(Image.fromarray(np.tile(ramp, (9, 9))), "PNG")
    lazy = Image.open(io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(ImageError, match=r"^image: is damaged or cut short"):
        read_pixels(lazy)
    closed = Image.new("L", (3, 3))
    closed.close()
    with pytest.raises(ImageError, match=r"^image: "):
        read_pixels(closed)
    with pytest.raises(ImageError) as caught:
        read_pixels(Image.new("L", (0, 5)))
    assert str(caught.value) == "image: expected an image, found 0 x 5 pixels"


def test_a_pil_image_stays_as_it_was(ramp):
    image = Image.fromarray(ramp)
    read_pixels(image, 3)
    assert (image.mode, image.size, image.tobytes()) == ("L", (16, 16), ramp.tobytes())


def test_float_images_follow_the_rule_of_arrays():
    with pytest.raises(ImageError, match=r"^image: expected float pixels in 0-1 or 0-255 without NaN, found"):
        read_pixels(Image.new("F", (2, 2), 3000.0))


@pytest.mark.parametrize(("width", "height"), [(50_000, 1), (1, 50_000), (65_000, 2)])
def test_a_line_of_pixels_is_a_picture(width, height):
    assert read_pixels(encoded(Image.new("L", (width, height), 7), "PNG"), 1).shape == (height, width, 1)
    assert read_pixels(encoded(Image.new("RGB", (width, height), 7), "JPEG"), 1).shape == (height, width, 1)


@pytest.mark.parametrize("format_", ["TGA", "PCX", "SGI", "ICO", "EPS"])
def test_other_formats_are_not_even_tried(format_):
    with pytest.raises(ImageError) as caught:
        read_pixels(encoded(Image.new("RGB", (16, 16)), format_))
    assert str(caught.value) == (
        "image bytes: expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found something else"
    )


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B", "I;16L"])
def test_a_file_of_sixteen_bits_has_the_depth_that_holds_its_largest_value(bits, mode):
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    values = grey << (bits - 8)
    image = Image.frombytes(mode, (16, 16), values.astype({"I": "<i4", "I;16B": ">u2"}.get(mode, "<u2")).tobytes())
    assert np.array_equal(read_pixels(image)[..., 0], grey)
    for format_ in ("PNG", "TIFF"):
        data = encoded(Image.fromarray(values), format_)
        assert np.array_equal(read_pixels(data)[..., 0], grey)
        assert np.array_equal(read_pixels(data, 3), np.dstack([grey, grey, grey]))


@given(npst.arrays(np.uint16, npst.array_shapes(min_dims=2, max_dims=2, max_side=9)), st.sampled_from(["PNG", "TIFF"]))
def test_a_file_of_sixteen_bits_is_taken_as_the_same_array_is(values, format_):
    assert np.array_equal(read_pixels(encoded(Image.fromarray(values), format_)), read_pixels(values))


def test_sixteen_bit_files_keep_their_upper_byte():
    values = (np.arange(256, dtype=np.uint16) * 256 + 7).reshape(16, 16)
    grey_map = b"P5 16 16 65535\n" + values.astype(">u2").tobytes()
    for data in (encoded(Image.fromarray(values), "PNG"), encoded(Image.fromarray(values), "TIFF"), grey_map):
        assert np.array_equal(read_pixels(data)[..., 0], values >> 8)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_turned_as_the_camera_says(turn, format_):
    upright = np.zeros((40, 64), np.uint8)
    upright[:16, :16] = 200  # top left
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[turn]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turn
    image = Image.fromarray(np.ascontiguousarray(stored))
    options = {"tiffinfo": {0x0112: turn}} if format_ == "TIFF" else {"exif": exif}
    loss = 12 if format_ in {"JPEG", "WEBP"} else 0
    found = read_pixels(encoded(image, format_, **options), 1)[..., 0]
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= loss
    assert np.array_equal(read_pixels(Image.open(io.BytesIO(encoded(image, format_, **options))), 1)[..., 0], found)


def test_an_orientation_that_there_is_not_turns_nothing(ramp):
    exif = Image.Exif()
    exif[0x0112] = 77
    assert np.array_equal(read_pixels(encoded(Image.fromarray(ramp), "PNG", exif=exif), 1)[..., 0], ramp)


def test_a_large_jpeg_is_decoded_small_when_grey_is_enough():
    data = encoded(Image.new("L", (2100, 1600), 90), "JPEG")
    height, width, _ = read_pixels(data, 1).shape
    assert 512 <= min(height, width) < 1100
    assert read_pixels(data, 3).shape == (1600, 2100, 3)
    assert read_pixels(encoded(Image.new("L", (600, 600), 90), "JPEG"), 1).shape == (600, 600, 1)


@pytest.mark.parametrize(("detail", "scale"), [(2000, 1), (800, 2), (512, 2), (320, 4), (200, 8), (1, 8)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_is_decoded_as_small_as_the_detail_allows(mode, detail, scale):
    data = encoded(Image.new(mode, (2101, 1603)), "JPEG")
    picture = read_picture(data, 1, detail=detail)
    assert picture.scale == scale
    assert picture.pixels.shape == (-(-1603 // scale), -(-2101 // scale), 1)
    whole = read_picture(encoded(Image.new(mode, (2101, 1603)), "PNG"), 1, detail=detail)
    assert (whole.scale, whole.pixels.shape) == (1, (1603, 2101, 1))


def test_a_photo_decoded_small_is_turned_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (2000, 1200)).save(tmp_path / "x.jpg", exif=exif)
    picture = read_picture(tmp_path / "x.jpg", 1)
    assert (picture.scale, picture.pixels.shape) == (2, (1000, 600, 1))


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_a_model_with_other_channels_is_told(channels):
    with pytest.raises(ImageError) as caught:
        read_pixels(Image.new("L", (2, 2)), channels)
    assert str(caught.value) == f"a model with {channels} channels: expected 1 (grey) or 3 (RGB)"


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


@pytest.mark.parametrize("side", [9_000, 9_600, 12_000])
def test_pillows_own_warning_is_not_heard(side):
    with pytest.raises(ImageError, match="expected at most 64 megapixels"):
        read_pixels(png_header(side, side))


def webp_header(width, height):
    """An animated WebP that claims a canvas and has no frame."""
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + sides + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_header(width, height):
    """A TIFF of one strip, compressed by LZW, of which only four bytes are there."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 5), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, height), (279, 4, 4)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + b"\x80\0\x40\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


def tiled_tiff(side):
    """A TIFF of 64x64 pixels in one tile of this side, compressed by deflate, of which only four bytes are there."""
    tags = [(256, 4, 64), (257, 4, 64), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1), (322, 4, side),
            (323, 4, side), (324, 4, 8), (325, 4, 4)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + b"\x78\x9c\3\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


def plain_webp(side):
    """A WebP of one colour, which has as few bytes whatever its size."""
    data = bytearray(encoded(Image.new("RGBA", (16, 16), (9, 9, 9, 90)), "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    bits = int.from_bytes(data[at : at + 4], "little") & ~0xFFF_FFFF | (side - 1) | (side - 1) << 14
    data[at : at + 4] = bits.to_bytes(4, "little")
    return bytes(data)


MEMORY = r"""
import resource, sys
from edgedigits.errors import ImageError
from edgedigits.images.decode import read_pixels
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
data = sys.stdin.buffer.read()
for small in (b"II*\0", data[:40]):  # what there is to import, is
    try:
        read_pixels(small)
    except ImageError:
        pass
before = peak()
try:
    read_pixels(data, 1)
except ImageError as error:
    print(peak() - before, error)
"""


@pytest.mark.parametrize(
    "data",
    [
        webp_header(16_383, 16_383),
        plain_webp(8000),
        tiff_header(60_000, 60_000),
        tiff_header(2**31, 2**31),
        tiled_tiff(46_336),
        png_header(60_000, 60_000),
    ],
    ids=["webp", "webp of one colour", "tiff", "larger tiff", "tiff's tile", "png"],
)
def test_a_bomb_takes_no_memory(data):
    done = subprocess.run([sys.executable, "-c", MEMORY], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    megabytes, told = done.stdout.decode().split(" ", 1)
    assert told.startswith("image bytes: ")
    assert int(megabytes) < 50


def test_a_tile_larger_than_its_picture_is_told():
    with pytest.raises(ImageError) as caught:
        read_pixels(tiled_tiff(16_000))
    assert str(caught.value) == (
        "image bytes: expected an image that takes at most 300 MB to decode, found 64 x 64 TIFF L, which takes "
        "1024 MB; make it smaller first"
    )
    with pytest.raises(ImageError, match="is damaged or cut short"):
        read_pixels(tiled_tiff(64))


def test_the_limit_is_told_with_what_was_found():
    with pytest.raises(ImageError) as caught:
        read_pixels(png_header(8001, 8000))
    assert str(caught.value) == (
        "image bytes: expected at most 64 megapixels, found 8001 x 8000; make it smaller first"
    )


def test_a_picture_of_exactly_the_limit_is_decoded():
    assert MAX_PIXELS == 64_000_000
    assert read_picture(encoded(Image.new("L", (3, 2)), "PNG"), limits=PictureLimits(6)).pixels.shape == (2, 3, 1)
    assert read_picture(np.zeros((2, 3), np.uint8), limits=PictureLimits(6)).pixels.shape == (2, 3, 1)
    for too_large in (encoded(Image.new("L", (7, 1)), "PNG"), np.zeros((7, 1), np.uint8), Image.new("1", (7, 1))):
        with pytest.raises(ImageError, match="expected at most 0 megapixels, found"):
            read_picture(too_large, limits=PictureLimits(6))


@pytest.mark.parametrize("format_", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_header_tells_the_shape_of_what_is_decoded(tmp_path, format_, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (5, 3)).save(tmp_path / "file", format_, exif=exif)
    assert read_shape(tmp_path / "file") == read_pixels(tmp_path / "file").shape


@pytest.mark.parametrize(
    ("mode", "format_"),
    [(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGBA", "I;16")]
    + [("CMYK", "JPEG"), ("L", "JPEG"), ("F", "TIFF"), ("P", "GIF"), ("L", "PPM"), ("RGB", "BMP")],
)
def test_the_header_tells_whether_a_file_has_colours(tmp_path, mode, format_):
    Image.new(mode, (5, 3)).save(tmp_path / "file", format_)
    assert read_shape(tmp_path / "file") == read_pixels(tmp_path / "file").shape


def test_a_file_without_an_image_s_header_has_no_shape(tmp_path):
    (tmp_path / "file").write_bytes(b"%PDF-1.7")
    with pytest.raises(ImageError, match="found a PDF document"):
        read_shape(tmp_path / "file")
    with pytest.raises(ImageError, match="cannot be read"):
        read_shape(tmp_path / "nothing")
