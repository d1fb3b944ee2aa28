"""Hostile pictures: real files of every format cut short or with flipped bits, and files that unpack to gigabytes."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from attacks_http import Attack, Step, whole
from PIL import Image

from edgedigits.datasets.own import read_npz

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")
# The service takes 25 million pixels: one picture beyond, one below.
BEYOND, BELOW = (6000, 5000), (6000, 4000)
SIDES = (60_000, 2**31 - 1, 2**32 - 1, 0)


def on_paper(label: int, side: int) -> Image.Image:
    """Return the first digit of a label, dark on white, ``side`` pixels wide."""
    data = read_npz(DIGITS)
    ink = data.images[int(np.flatnonzero(data.labels == label)[0]), ..., 0]
    return Image.fromarray(255 - ink).resize((side, side))


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """Return an image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@cache
def _files() -> list[bytes]:
    """Return a digit in every format, small and large, grey and in colour; one with EXIF data, one animated."""
    pictures = [on_paper(label, side).convert(mode) for label, side in ((3, 40), (7, 300)) for mode in ("L", "RGB")]
    turned, (first, *others) = on_paper(3, 60), (on_paper(label, 50) for label in (1, 2, 3))
    exif = turned.getexif()
    exif[0x0112], exif[0x010E] = 6, "x" * 500
    special = (io.BytesIO(), io.BytesIO())
    turned.save(special[0], "JPEG", exif=exif)
    first.save(special[1], "GIF", save_all=True, append_images=others)
    return [encoded(one, kind) for one in pictures for kind in FORMATS] + [file.getvalue() for file in special]


def _cut_file(dice: random.Random) -> bytes:
    file = dice.choice(_files())
    return file[: dice.randrange(len(file))]


def _flipped(dice: random.Random) -> bytes:
    """Return a file with some flipped bits, most of them where its sizes are stated."""
    file = bytearray(dice.choice(_files()))
    for _ in range(dice.choice([1, 2, 5, 50])):
        file[dice.randrange(len(file) if dice.random() < 0.5 else min(len(file), 100))] ^= 1 << dice.randrange(8)
    return bytes(file)


def _spliced(dice: random.Random) -> bytes:
    """Return the beginning of one file and the rest of another."""
    one, other = dice.choices(_files(), k=2)
    at = dice.randrange(min(len(one), len(other)))
    return one[:at] + other[at:]


def _said_to_be_huge(dice: random.Random) -> bytes:
    """Return a PNG that declares up to 2^31 pixels a side and has none of them."""
    side = dice.choice(SIDES)
    return _png((side, dice.choice([side, 1])), dice.choice([0, 2, 6]), b"")


def _png(size: tuple[int, int], colour: int, packed: bytes, more: bytes = b"") -> bytes:
    """Return a PNG with these pixels, whatever size it declares."""
    head = struct.pack(">IIBBBBB", *size, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + more + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@cache
def zeros(size: tuple[int, int]) -> bytes:
    """Return a PNG of nothing but black."""
    return _png(size, 0, zlib.compress(bytes((size[0] + 1) * size[1]), 9))


@cache
def text_bomb() -> bytes:
    """Return a small PNG whose comment unpacks to 100 MB."""
    comment = _chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(100_000_000), 9))
    return _png((28, 28), 0, zlib.compress(bytes(29 * 28)), comment)


FILES = {
    "cut_file": _cut_file, "flipped": _flipped, "spliced": _spliced, "said_to_be_huge": _said_to_be_huge,
    # A small file of 30 million pixels, all there, or one with a comment that unpacks to as much.
    "bomb": lambda dice: dice.choice([zeros(BEYOND), text_bomb()]),
    "large": lambda _: zeros(BELOW),
}  # fmt: skip


def _attack(make: Callable[[random.Random], bytes]) -> Attack:
    """Return an attack that sends a file to be classified, or read."""

    def attack(dice: random.Random, _: bytes) -> list[Step]:
        request = whole(make(dice))
        return [request.replace(b"/v1/classify", b"/v1/read", 1) if dice.random() < 0.3 else request]

    return attack


PICTURES: dict[str, Attack] = {name: _attack(make) for name, make in FILES.items()}
