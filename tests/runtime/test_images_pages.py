from __future__ import annotations

import io
import struct
import subprocess
import sys
from contextlib import suppress
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgedigits.errors import ImageError
from edgedigits.images import formats
from edgedigits.images.decode import PictureLimits, read_pages, read_picture

LITTLE, BIG = b"II", b"MM"
THUMBNAIL, PAGE, MASK = 1, 2, 4


def tiff(pages, order=LITTLE, *, large=False, kinds=(), back=None):
    """A TIFF of plain grey pages, uint8 [H, W]; the last leads ``back`` to the page of this number.

    ``kinds`` are those of the pages that have one (NewSubfileType); ``large`` makes it a BigTIFF.
    """
    sign, offset, count = ("<" if order == LITTLE else ">"), "Q" if large else "L", "Q" if large else "H"
    data = bytearray(order + struct.pack(sign + "H", 43 if large else 42))
    if large:
        data += struct.pack(sign + "HH", 8, 0)
    link, places = len(data), []
    data += bytes(struct.calcsize(sign + offset))
    for number, pixels in enumerate(pages):
        start = len(data)
        data += pixels.tobytes()
        tags = [(256, pixels.shape[1]), (257, pixels.shape[0]), (258, 8), (259, 1), (262, 1), (273, start), (277, 1),
                (278, pixels.shape[0]), (279, pixels.size)]  # fmt: skip
        if number < len(kinds) and kinds[number] is not None:
            tags.insert(0, (254, kinds[number]))
        places.append(len(data))
        data[link : link + struct.calcsize(sign + offset)] = struct.pack(sign + offset, places[-1])
        data += struct.pack(sign + count, len(tags))
        for tag, value in tags:  # LONG: in a BigTIFF the first half of eight bytes
            data += struct.pack(f"{sign}HH{offset}L", tag, 4, 1, value) + (bytes(4) if large else b"")
        link = len(data)
        data += bytes(struct.calcsize(sign + offset))
    if back is not None:
        data[link:] = struct.pack(sign + offset, places[back])
    return bytes(data)


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, np.uint8) for shape in ((9, 7), (4, 12), (5, 5))]


def read(source, **options):
    return [picture.pixels[..., 0] for picture in read_pages(source, 1, **options)]


def same(found, expected):
    return len(found) == len(expected) and all(map(np.array_equal, found, expected))


@pytest.mark.parametrize(("order", "large"), [(LITTLE, False), (BIG, False), (LITTLE, True)])
def test_every_page_of_a_tiff_is_read_in_order(three, order, large, tmp_path):
    data = tiff(three, order, large=large)
    (tmp_path / "x.tif").write_bytes(data)
    for source in (data, io.BytesIO(data), tmp_path / "x.tif", str(tmp_path / "x.tif")):
        assert same(read(source), three)
        assert np.array_equal(read_picture(source, 1).pixels[..., 0], three[0])


@given(
    st.lists(st.tuples(st.sampled_from(["1", "L", "RGB", "I;16"]), st.integers(1, 20), st.integers(1, 20)), min_size=1),
    st.sampled_from([None, "tiff_lzw", "tiff_deflate", "packbits"]),
)
def test_pages_of_any_size_mode_and_compression_are_read(kinds, compression):
    rng = np.random.default_rng(1)
    pages = [Image.fromarray(rng.integers(0, 2, (height, width), np.uint8) * 255) for _, height, width in kinds]
    saved = [page.convert("L").convert(mode) if mode != "I;16" else Image.fromarray(np.asarray(page, np.uint16) * 257)
             for page, (mode, _, _) in zip(pages, kinds, strict=True)]  # fmt: skip
    buffer = io.BytesIO()
    saved[0].save(buffer, "TIFF", save_all=True, append_images=saved[1:], compression=compression)
    found = list(read_pages(buffer))
    assert same([picture.pixels[..., 0] for picture in found], [np.asarray(page) for page in pages])
    assert [picture.pixels.shape[2] for picture in found] == [3 if mode == "RGB" else 1 for mode, _, _ in kinds]


def test_a_compressed_file_on_disk_is_read_page_after_page(three, tmp_path):
    images = [Image.fromarray(page) for page in three]
    images[0].save(tmp_path / "x.tif", save_all=True, append_images=images[1:], compression="tiff_lzw")
    assert same(read(tmp_path / "x.tif"), three)
    with (tmp_path / "x.tif").open("rb") as file:
        for picture, page in zip(read_pages(file, 1), three, strict=True):
            assert np.array_equal(picture.pixels[..., 0], page)
            file.seek(0)  # the file is its owner's
        assert not file.closed


def test_pages_have_the_pixels_and_channels_that_one_picture_has(three):
    pictures = list(read_pages(tiff(three), 3))
    assert [picture.pixels.shape for picture in pictures] == [(9, 7, 3), (4, 12, 3), (5, 5, 3)]
    assert {picture.scale for picture in pictures} == {1}
    with pytest.raises(ImageError, match="a model with 2 channels"):
        next(read_pages(tiff(three), 2))


def test_thumbnails_and_masks_are_no_pages(three):
    data = tiff([*three, three[0]], kinds=(PAGE, THUMBNAIL, PAGE, MASK))
    assert same(read(data), [three[0], three[2]])
    first = tiff(three, kinds=(THUMBNAIL, PAGE, THUMBNAIL))
    assert same(read(first), three[:2])
    assert np.array_equal(read_picture(first, 1).pixels[..., 0], three[0])  # as `read_pages` starts
    assert same(read(tiff(three, kinds=(None, PAGE, None))), three)


def test_a_mask_that_pillow_cannot_read_is_skipped_and_a_page_like_it_is_told(three):
    grey, transparency = struct.pack("<HHLL", 262, 4, 1, 1), struct.pack("<HHLL", 262, 4, 1, 4)
    for kind, pages in ((MASK, [three[0], three[2]]), (PAGE, three[:1])):
        start, middle, *rest = tiff(three, kinds=(PAGE, kind, PAGE)).split(grey)
        found = read_pages(start + grey + middle + transparency + grey.join(rest), 1)
        assert same([picture.pixels[..., 0] for picture in islice(found, len(pages))], pages)
        if kind == PAGE:
            with pytest.raises(ImageError, match=r"^image bytes, page 2: is damaged or cut short \("):
                next(found)
        else:
            assert not list(found)


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "JPEG", "BMP", "PPM"])
def test_of_an_animation_the_first_frame_is_the_one_page(format_):
    frames = [Image.new("L", (8, 8), grey) for grey in (40, 90, 200)]
    buffer = io.BytesIO()
    options = {"save_all": True, "append_images": frames[1:]} if format_ in {"GIF", "WEBP", "PNG"} else {}
    frames[0].save(buffer, format_, **options, **({"lossless": True} if format_ == "WEBP" else {}))
    (page,) = read(buffer)
    assert (page == 40).all()


def test_an_array_and_a_pil_image_are_one_page(three):
    opened = Image.open(io.BytesIO(tiff(three)))
    opened.seek(1)
    for source, expected in ((three[1], three[1]), (opened, three[1])):
        assert same(read(source), [expected])


class Pipe:
    """Only read(), as sockets have it."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


def test_a_stream_that_cannot_seek_is_read_too(three):
    assert same(read(Pipe(tiff(three))), three)


class Watched(io.BytesIO):
    """Remembers how far it was read."""

    furthest = 0

    def read(self, size=-1):
        data = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return data


def test_no_page_is_decoded_before_it_is_asked_for():
    pages = [np.full((300, 300), grey, np.uint8) for grey in (1, 2, 3)]
    images = [Image.fromarray(page) for page in pages]
    buffer = io.BytesIO()
    images[0].save(buffer, "TIFF", save_all=True, append_images=images[1:], compression="tiff_deflate")
    with Image.open(buffer) as image:
        image.seek(1)
        second, *_ = image.tag_v2[273]
    buffer.seek(second)
    buffer.write(bytes(20))
    found = read_pages(buffer.getvalue(), 1)
    assert (next(found).pixels == 1).all()
    with pytest.raises(ImageError, match=r"^image bytes, page 2: is damaged or cut short \("):
        next(found)


def test_a_page_that_is_cut_off_is_told_by_its_number_after_those_before_it(three, tmp_path):
    data = tiff(three)
    for end in (len(data) - 3, len(data) - 60, len(data) - 130):
        (tmp_path / "x.tif").write_bytes(data[:end])
        found = read_pages(tmp_path / "x.tif", 1)
        assert same([picture.pixels[..., 0] for picture in islice(found, 2)], three[:2])
        if end < len(data) - 5:
            with pytest.raises(ImageError) as caught:
                next(found)
            assert str(caught.value).startswith(f"{tmp_path / 'x.tif'}, page 3: is damaged or cut short (")
            assert "\n" not in str(caught.value)


def test_each_page_is_held_to_the_limit_of_pixels():
    pages = [np.zeros((2, 3), np.uint8), np.zeros((1, 7), np.uint8)]
    found = read_pages(tiff(pages), 1, limits=PictureLimits(6))
    assert next(found).pixels.shape == (2, 3, 1)
    with pytest.raises(ImageError) as caught:
        next(found)
    assert str(caught.value) == (
        "image bytes, page 2: expected at most 0 megapixels, found 7 x 1; make it smaller first"
    )


@pytest.mark.parametrize("back", [0, 1, 2])
def test_pages_in_a_circle_are_each_read_once(three, back):
    assert same(read(tiff(three, back=back)), three)


def test_a_circle_that_leads_back_into_its_middle_ends(three):
    data = tiff(three, kinds=(PAGE, THUMBNAIL, THUMBNAIL), back=1)
    assert same(read(data), three[:1])


@pytest.mark.parametrize("kind", [PAGE, THUMBNAIL])
def test_too_many_pages_are_refused_after_those_that_are_allowed(three, monkeypatch, kind):
    data = tiff(three, kinds=(PAGE, kind, kind))
    monkeypatch.setattr(formats, "MAX_PAGES", 3)
    assert same(read(data), three if kind == PAGE else three[:1])
    monkeypatch.setattr(formats, "MAX_PAGES", 2)
    found = read_pages(data, 1)
    assert same(
        [picture.pixels[..., 0] for picture in islice(found, 2 if kind == PAGE else 1)],
        three[: 2 if kind == PAGE else 1],
    )
    with pytest.raises(ImageError) as caught:
        next(found)
    assert str(caught.value) == "image bytes: expected at most 2 pages, found more; split it first"


def endless(count, body):
    """A page, and directories after it, each of a count of tags and these tags."""
    data = bytearray(tiff([np.zeros((2, 2), np.uint8)]))
    data[-4:] = struct.pack("<L", len(data))
    for _ in range(count):
        data += struct.pack("<H", len(body) // 12) + body
        data += struct.pack("<L", len(data) + 4)
    data[-4:] = bytes(4)
    return bytes(data)


def test_a_million_empty_pages_cost_no_look_at_them():
    watched = Watched(endless(1_000_000, b""))
    with pytest.raises(ImageError, match=r"^image file, page 2: is damaged or cut short \("):
        read(watched)
    assert watched.furthest < 100_000
    assert read_picture(watched, 1).pixels.shape == (2, 2, 1)


def test_a_hundred_thousand_masks_are_refused_after_the_first_thousand():
    watched = Watched(endless(100_000, struct.pack("<HHLL", 254, 4, 1, MASK)))
    with pytest.raises(ImageError) as caught:
        read(watched)
    assert str(caught.value) == "image file: expected at most 1000 pages, found more; split it first"
    assert watched.furthest < 100_000


@pytest.mark.parametrize("source", [b"", None, 7])
def test_what_is_no_source_has_no_pages(source):
    with pytest.raises(ImageError, match=r"^image"):
        next(read_pages(source))


def test_a_path_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ImageError) as caught:
        next(read_pages(tmp_path / "no.tif"))
    assert str(caught.value) == (
        f"{tmp_path / 'no.tif'}: cannot be read (No such file or directory); expected an image file"
    )


@given(st.data())
def test_no_broken_byte_of_a_tiff_makes_it_fail_otherwise(data):
    pages = [np.arange(12, dtype=np.uint8).reshape(3, 4)] * 3
    large = data.draw(st.booleans())
    whole = bytearray(tiff(pages, LITTLE if large else data.draw(st.sampled_from([LITTLE, BIG])), large=large))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageError):
        found = list(read_pages(bytes(whole), 1, limits=PictureLimits(10_000)))
        assert 1 <= len(found) <= 3


@pytest.mark.slow
def test_a_file_is_closed_when_its_pages_are_let_go(three, tmp_path):
    (tmp_path / "x.tif").write_bytes(tiff(three))
    code = "import sys; from edgedigits.images.decode import read_pages; next(read_pages(sys.argv[1])); print('done')"
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, str(tmp_path / "x.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")
