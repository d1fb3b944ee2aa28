"""What is given for a picture and is none: named by its first bytes, with what to do about it."""

from __future__ import annotations

import base64
import io
import json
import struct

import pytest
from PIL import Image, features

from edgedigits.content import HEAD, medium, wrapping
from edgedigits.errors import ImageError
from edgedigits.images.decode import read_pixels


def boxes(major, *others):
    """The start of an ISO base media file: its brands, then its data."""
    brands = major + b"\0\0\0\0" + b"".join(others)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0\0\0\x08mdat" + bytes(40)


def encoded(format_, **options):
    buffer = io.BytesIO()
    Image.new("L", (20, 20), 90).save(buffer, format_, **options)
    return buffer.getvalue()


def in_base64(format_):
    return base64.b64encode(encoded(format_))


SAVE = "; save it as JPEG or PNG first"
KINDS = {
    "a HEIC photograph" + SAVE: [boxes(b"heic", b"mif1", b"heic"), boxes(b"mif1", b"heic"), boxes(b"hevx")],
    "an AVIF picture" + SAVE: [boxes(b"avif", b"mif1"), boxes(b"mif1", b"miaf", b"avif"), boxes(b"avis")],
    "a camera's raw file" + SAVE: [
        boxes(b"crx ", b"isom"), b"II*\0\x10\0\0\0CR\2\0" + bytes(90), b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0",
        b"FUJIFILMCCD-RAW 0201",
    ],
    "a video; save its frames as PNG first": [
        boxes(b"isom", b"iso2", b"mp41"), boxes(b"qt  "), boxes(b"M4V "), b"\0\0\0\x08wide\0\0\0\0mdat",
        b"\x1a\x45\xdf\xa3\x9f\x42\x86", b"RIFF\x24\0\0\0AVI LIST",
    ],
    "a PDF document; save its pages as PNG first, as pdftoppm -png does": [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"],
    "an SVG drawing; save it as PNG first": [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>", b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg width="9">',
        b"\xef\xbb\xbf<SVG>",
    ],
    "a web page; download the file itself, not the page about it": [
        b"<!DOCTYPE html>\n<html><svg>", b"\n\n  <HTML lang=en>", b"<!-- saved from -->\n<html>", b"<head><title>404",
    ],
    "a Git LFS pointer in its place; fetch the file itself with: git lfs pull": [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:9f86d0\nsize 12345\n",
    ],
    "text in base64; give the bytes that it stands for": [
        in_base64("PNG"), in_base64("JPEG"), in_base64("GIF"), in_base64("WEBP"), in_base64("TIFF"),
        b"data:image/png;base64," + in_base64("PNG"),
    ],
    "JSON; give the file's own bytes": [
        json.dumps({"image": in_base64("PNG").decode()}).encode(), b"[[0, 255], [3, 4]]", b'\n{ "pixels" : [] }', b"{}",
    ],
    "a zip archive; unpack it first": [b"PK\3\4\x14\0\0\0"],
    "a packed archive; unpack it first": [
        b"\x1f\x8b\x08\0", b"7z\xbc\xaf\x27\x1c", b"x".ljust(257, b"\0") + b"ustar\0",
    ],
    "a JPEG XL picture" + SAVE: [b"\xff\x0a\xfa\x1f", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "a JPEG 2000 picture" + SAVE: [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51\0"],
    "a Photoshop file" + SAVE: [b"8BPS\0\1"],
    "something else": [b"hello", b"<?xml version='1.0'?><plist>", b"\x7fELF", b"[section]", b"/9/", bytes(40)],
}  # fmt: skip


@pytest.mark.parametrize(("found", "data"), [(found, data) for found, all_ in KINDS.items() for data in all_])
def test_what_is_no_picture_is_named_by_its_first_bytes_with_a_cure(found, data):
    with pytest.raises(ImageError) as caught:
        read_pixels(data)
    assert str(caught.value) == (
        f"image bytes: expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found {found}"
    )


@pytest.mark.parametrize("command", ["classify", "read"])
def test_the_command_says_it_in_one_line_whatever_the_name_says(command, run_here, refused, tmp_path):
    (tmp_path / "x.png").write_bytes(boxes(b"heic", b"mif1"))
    refused(run_here(command, "x.png"), 2, "x.png: expected an image (", f"found a HEIC photograph{SAVE}")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow writes no AVIF")
def test_a_real_avif_is_named_even_where_pillow_could_read_it():
    with pytest.raises(ImageError, match="found an AVIF picture; save it as JPEG or PNG first"):
        read_pixels(encoded("AVIF"))


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}])  # DNG; a copy of what lies below it, as NEF
def test_a_raw_file_that_is_a_tiff_does_not_pass_for_the_small_copy_in_it(tags):
    with pytest.raises(ImageError, match="found a camera's raw file; save it as JPEG or PNG first"):
        read_pixels(encoded("TIFF", tiffinfo=tags))


def test_a_raw_file_that_pillow_cannot_open_is_a_tiff_of_an_unusual_kind():
    photometric = struct.Struct("<HHIHH")  # tag, kind, count and value: of a colour mosaic
    data = encoded("TIFF").replace(photometric.pack(262, 3, 1, 1, 0), photometric.pack(262, 3, 1, 32803, 0))
    with pytest.raises(ImageError, match=f"found a TIFF of an unusual kind, such as a camera's raw file{SAVE}"):
        read_pixels(data)


def test_ordinary_tiffs_are_no_raw_files():
    for info in ({}, {254: 1}, {330: 8}, {271: "NIKON CORPORATION"}):
        assert read_pixels(encoded("TIFF", tiffinfo=info)).shape == (20, 20, 1)


@pytest.mark.parametrize("piece", [b"<!---->", b"<", b" ", b"<html", b"{", b"\0\0\0\x18ftypmif1", b"<!DOCTYPE svg>"])
def test_every_start_is_soon_done_with(piece):
    # Patterns that tried every division of it would never be done.
    head = (piece * HEAD)[: HEAD - 1] + b"x"
    wrapping(head)
    medium(head)
