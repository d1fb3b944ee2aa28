"""Pictures that are none, through the command as people type it: one line, the right code, nothing lost."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image


def encoded(format_, size=(200, 200)):
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format_)
    return buffer.getvalue()


def bomb(width, height):
    """A PNG of which there is nothing but its size."""

    def chunk(kind, body=b""):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT")


PNG, JPEG = encoded("PNG"), encoded("JPEG")
FILES = {
    "empty.png": (b"", "expected an image, found an empty file"),
    "text.png": (b"this is text\n" * 9, "expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found something"),
    "cut.png": (PNG[: len(PNG) // 2], "is damaged or cut short"),
    "head.png": (PNG[:20], ""),
    "cut.jpg": (JPEG[: len(JPEG) // 2], "is damaged or cut short"),
    "head.jpg": (JPEG[:20], ""),
    "large.png": (bomb(30_000, 30_000), ""),
    "edge.png": (bomb(9_000, 9_000), "expected at most 64 megapixels, found 9000 x 9000; make it smaller first"),
    "model.png": (b"\x1c\0\0\0TFL3" + bytes(500), "found something else"),
    "tar.gif": (b"GIF89a" + b"\xff" * 40, ""),
    "p.ppm": (b"P6 99999999 99999999 255\n", "cannot be decoded (Image size"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "found something else"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_picture_is_one_line_and_2(command, refused, tmp_path, name):
    data, message = FILES[name]
    (tmp_path / name).write_bytes(data)
    done = command("classify", name)
    refused(done, 2, f"{name}: ", message)
    assert done.stdout == ""
    assert (tmp_path / name).read_bytes() == data


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing.png", "No such file or directory"), (".", "Is a directory"), ("loop.png", "Too many levels"),
     ("x" * 300, "File name too long"), ("file/below.png", "Not a directory")],
)  # fmt: skip
def test_a_path_that_is_no_file_is_one_line_and_2(command, refused, tmp_path, name, message):
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "file").touch()
    refused(command("classify", name), 2, f"{name}: cannot be read ({message}")


def test_empty_standard_input_is_one_line_and_2(command, refused):
    refused(command("classify", "-", input=""), 2, "image bytes: expected an image, found an empty file")


def test_all_that_can_be_answered_is_answered_and_each_failure_has_its_line(command, pictures, tmp_path):
    for name, (data, _) in FILES.items():
        (tmp_path / name).write_bytes(data)
    mixed = [name for pair in zip(FILES, map(str, pictures), strict=False) for name in pair]
    done = command("classify", "--json", "-o", "out.jsonl", *mixed)
    assert done.returncode == 2
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["source"] for one in told] == mixed
    assert [set(one) == {"source", "error"} for one in told] == [True, False] * len(FILES)
    assert done.stderr.splitlines() == [f"edgedigits: {one['error']}" for one in told if "error" in one]
    assert (tmp_path / "out.jsonl").read_text() == done.stdout


def test_a_picture_without_permission_is_one_line_and_2(command, refused, tmp_path, unprivileged):
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "secret.png").chmod(0)
    done = command("classify", "secret.png", **unprivileged)
    refused(done, 2, "secret.png: cannot be read (Permission denied); expected an image file")


def test_a_folder_that_takes_no_result_is_one_line_and_2(command, refused, tmp_path, unprivileged, pictures):
    (tmp_path / "locked").mkdir(0o555)
    done = command("classify", pictures[0], "-o", "locked/out", **unprivileged)
    refused(done, 2, "locked/out: cannot be written (Permission denied)")
    assert done.stdout.startswith(f"{pictures[0]}: ")  # the answer itself is not lost


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("verb", [["show"], ["classify", "x.png"], ["classify", "--json", "x.png"]])
def test_output_to_a_full_disk_is_one_line_and_2(command, refused, tmp_path, pictures, verb):
    (tmp_path / "x.png").write_bytes(pictures[0].read_bytes())
    with open("/dev/full", "w") as full:
        done = command(*verb, stdout=full)
    refused(done, 2, "No space left on device")


@pytest.mark.parametrize("words", [["classify"], ["classify", "--json"]])
def test_a_file_name_that_is_no_text_is_answered(command, tmp_path, pictures, words):
    name = os.fsdecode(b"d\xff.png")
    try:
        (tmp_path / name).write_bytes(pictures[0].read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    done = command(*words, name, errors="surrogateescape", env={"PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_file_name_with_a_line_break_still_gives_one_line(command, refused):
    refused(command("classify", "two\nlines.png"), 2, "two lines.png: cannot be read")
