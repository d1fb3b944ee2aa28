from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from edgedigits.images.decode import read_picture, read_pixels

WHITE, GREEN, RED_AS_BRIGHT = (250, 250, 245), (90, 150, 90), (215, 95, 90)
# Paper, ink, and the channel in which the ink is to be seen.
EQUALLY_BRIGHT = {
    "red on green": (GREEN, RED_AS_BRIGHT, 0),
    "green on red": (RED_AS_BRIGHT, GREEN, 0),
    "blue on red": ((190, 40, 40), (40, 80, 220), 2),
    "orange on grey": ((150, 150, 150), (238, 114, 80), 0),
    "yellow on white": (WHITE, (250, 240, 60), 2),
}
BRIGHTER_OR_DARKER = {
    "blue ballpoint on white": (WHITE, (50, 60, 160)),
    "light blue on white": (WHITE, (140, 160, 230)),
    "pink on white": (WHITE, (250, 190, 200)),
    "red on newsprint": ((190, 180, 160), (190, 70, 60)),
    "black on red": ((200, 50, 40), (20, 20, 20)),
    "pencil on grey": ((180, 180, 180), (150, 150, 150)),
    "pale pencil": ((225, 220, 210), (190, 187, 180)),
    "nothing on white": (WHITE, WHITE),
    "nothing on green": (GREEN, GREEN),
}
SIZES = {"a page": (750, 1000, 90), "a picture": (220, 200, 120), "a cell": (80, 80, 60)}


@pytest.fixture(scope="module")
def digit(digits):
    return digits.images[7, ..., 0]


def photograph(digit, paper, ink, size, colour_noise=0.0):
    """A digit in light that falls off to one half, with noise, and blots of colour as of small sensors and JPEG."""
    height, width, side = size
    rng = np.random.default_rng(0)
    mask = np.zeros((height, width, 1))
    drawn = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)) / 255
    mask[(height - side) // 2 :, (width - side) // 2 :][:side, :side, 0] = drawn
    light = np.linspace(1, 0.5, width)[:, np.newaxis] * (np.array(paper) * (1 - mask) + np.array(ink) * mask)
    blots = rng.normal(0, colour_noise, (-(-height // 4), -(-width // 4), 2)).repeat(4, 0).repeat(4, 1)[:height, :width]
    blue, red = blots[..., 0], blots[..., 1]
    noisy = light + rng.normal(0, 3, light.shape)
    noisy += np.stack([1.402 * red, -0.344 * blue - 0.714 * red, 1.772 * blue], axis=-1)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def jpeg(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def luminance(pixels):
    return np.asarray(Image.fromarray(pixels).convert("L"))


def to_grey(pixels):
    return read_pixels(pixels, 1)[..., 0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EQUALLY_BRIGHT)
@pytest.mark.parametrize("quality", [60, 90])
def test_ink_as_bright_as_its_paper_is_seen_in_one_colour(digit, name, size, quality):
    paper, ink, channel = EQUALLY_BRIGHT[name]
    data = jpeg(photograph(digit, paper, ink, SIZES[size]), quality=quality)
    pixels = read_pixels(data, 3)
    assert np.array_equal(to_grey(pixels), pixels[..., channel])
    assert np.array_equal(read_pixels(data, 1)[..., 0], pixels[..., channel])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", BRIGHTER_OR_DARKER)
@pytest.mark.parametrize(("colour_noise", "quality"), [(0, 40), (9, 60)])
def test_ordinary_ink_keeps_luminance_however_noisy_the_colours(digit, name, size, colour_noise, quality):
    pixels = photograph(digit, *BRIGHTER_OR_DARKER[name], SIZES[size], colour_noise)
    decoded = read_pixels(jpeg(pixels, quality=quality), 3)
    assert np.array_equal(to_grey(decoded), luminance(decoded))


@pytest.mark.parametrize(("redder", "seen"), [(20, False), (30, True)])
def test_a_tint_too_faint_to_be_read_leaves_luminance(redder, seen):
    pixels = np.full((90, 90, 3), 150, np.uint8)
    pixels[30:60, 40:50] += np.array([redder, 256 - round(redder * 0.299 / 0.587), 0], np.uint8)
    assert np.ptp(luminance(pixels)) <= 1
    assert np.array_equal(to_grey(pixels), pixels[..., 0] if seen else luminance(pixels))


@pytest.mark.parametrize("name", EQUALLY_BRIGHT)
def test_a_mode_without_rgb_is_looked_at_in_colour_too(digit, name):
    paper, ink, channel = EQUALLY_BRIGHT[name]
    image = Image.fromarray(photograph(digit, paper, ink, SIZES["a picture"]))
    for other in (*map(image.convert, ("RGB", "RGBA", "RGBX", "YCbCr")), image.quantize(64)):
        assert np.array_equal(read_pixels(other, 1)[..., 0], np.asarray(other.convert("RGB"))[..., channel])


def test_a_camera_frame_of_equally_bright_colours_is_seen_in_either_order(digit):
    frame = photograph(digit, GREEN, RED_AS_BRIGHT, (480, 640, 200))
    assert np.array_equal(read_pixels(frame, 1)[..., 0], frame[..., 0])
    assert np.array_equal(read_pixels(frame[..., ::-1], 1, bgr=True)[..., 0], frame[..., 0])


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_small_whichever_grey_it_gets(digit, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for paper, ink, channel in ((GREEN, RED_AS_BRIGHT, 0), (WHITE, (50, 60, 160), None)):
        data = jpeg(photograph(digit, paper, ink, (1040, 1100, 600)), quality=90, exif=exif)
        picture = read_picture(data, 1)
        assert picture.scale == 2
        image = Image.open(io.BytesIO(data))
        image.draft("L" if channel is None else "RGB", (512, 512))
        expected = np.asarray(image) if channel is None else np.asarray(image)[..., channel]
        assert np.array_equal(picture.pixels[..., 0], np.rot90(expected, -1) if orientation == 6 else expected)


def test_the_grey_of_a_jpeg_is_the_luminance_in_its_file(digit):
    data = jpeg(photograph(digit, WHITE, (50, 60, 160), SIZES["a picture"]))
    file = Image.open(io.BytesIO(data))
    file.draft("YCbCr", None)
    assert np.array_equal(read_pixels(data, 1)[..., 0], np.asarray(file)[..., 0])


@pytest.mark.parametrize(("ink", "decoded"), [((50, 60, 160), ["L"]), ((250, 240, 60), ["L", "RGB"])])
def test_a_jpegs_colours_are_decoded_only_where_its_luminance_is_flat(digit, monkeypatch, ink, decoded):
    modes = []
    prepare = JpegImageFile.load_prepare
    monkeypatch.setattr(JpegImageFile, "load_prepare", lambda file: (modes.append(file.mode), prepare(file)))
    read_pixels(jpeg(photograph(digit, WHITE, ink, SIZES["a picture"])), 1)
    assert modes == decoded


@given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_grey_in_three_channels_stays_what_it_is(grey):
    assert np.array_equal(to_grey(np.dstack([grey, grey, grey])), grey)
    assert np.array_equal(to_grey(grey[..., np.newaxis]), grey)


@given(
    npst.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3)), elements=st.integers(0, 255)),
    st.integers(1, 9),
)
def test_any_picture_gets_its_luminance_or_one_of_its_channels(pixels, times):
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    grey = to_grey(pixels)
    choices = [luminance(pixels), *np.moveaxis(pixels, -1, 0)]
    assert any(np.array_equal(grey, one) for one in choices)


@given(st.permutations(range(3)), st.sampled_from(sorted(EQUALLY_BRIGHT)))
def test_which_channel_stands_out_depends_on_its_contrast_alone(order, name):
    paper, ink, _ = EQUALLY_BRIGHT[name]
    pixels = np.full((60, 60, 3), paper, np.uint8)
    pixels[20:40, 25:32] = ink
    grey = to_grey(pixels[..., list(order)])
    contrasts = np.abs(np.array(paper) - np.array(ink))
    if not np.array_equal(grey, luminance(pixels[..., list(order)])):
        assert abs(int(grey[30, 28]) - int(grey[0, 0])) == contrasts.max()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (17, 400)])
def test_a_picture_of_any_shape_has_a_grey(shape):
    assert to_grey(np.full((*shape, 3), (10, 200, 30), np.uint8)).shape == shape
