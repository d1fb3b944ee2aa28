"""Hostile pictures: real files of every format cut short or with flipped bits, and files that unpack to gigabytes."""

from __future__ import annotations

import io
import random
import struct
import zlib
from functools import cache

from benchmarks.serving.attacks_http import Attack, Step, whole
from benchmarks.serving.payloads import encoded, on_paper

FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")
# The service takes 25 million pixels: one picture beyond, one below.
BEYOND, BELOW = (6000, 5000), (6000, 4000)


@cache
def files() -> list[bytes]:
    """Return a digit in every format, small and large, grey and in colour."""
    pictures = [on_paper(label, side).convert(mode) for label, side in ((3, 40), (7, 300)) for mode in ("L", "RGB")]
    return [encoded(picture, kind) for picture in pictures for kind in FORMATS] + [_exif(), _frames()]


def cut_file(dice: random.Random, _: bytes) -> list[Step]:
    """Send a file that ends early."""
    file = dice.choice(files())
    return [_request(dice, file[: dice.randrange(len(file))])]


def flipped(dice: random.Random, _picture: bytes) -> list[Step]:
    """Send a file with some flipped bits, most of them where its sizes are stated."""
    file = bytearray(dice.choice(files()))
    for _ in range(dice.choice([1, 2, 5, 50])):
        file[dice.randrange(len(file) if dice.random() < 0.5 else min(len(file), 100))] ^= 1 << dice.randrange(8)
    return [_request(dice, bytes(file))]


def spliced(dice: random.Random, _: bytes) -> list[Step]:
    """Send the beginning of one file and the rest of another."""
    one, other = dice.choices(files(), k=2)
    at = dice.randrange(min(len(one), len(other)))
    return [_request(dice, one[:at] + other[at:])]


def said_to_be_huge(dice: random.Random, _: bytes) -> list[Step]:
    """Send a PNG that declares up to 2^31 pixels a side and has none of them."""
    side = dice.choice([60_000, 2**31 - 1, 2**32 - 1, 0])
    return [_request(dice, png((side, dice.choice([side, 1])), dice.choice([0, 2, 6]), b""))]


def bomb(dice: random.Random, _: bytes) -> list[Step]:
    """Send a small file of 30 million pixels, all there; or a block of text that unpacks to as much."""
    return [_request(dice, dice.choice([zeros(BEYOND), text_bomb()]))]


def large(dice: random.Random, _: bytes) -> list[Step]:
    """Send as many pixels as are just accepted."""
    return [_request(dice, zeros(BELOW))]


PICTURES: list[Attack] = [cut_file, flipped, spliced, said_to_be_huge, bomb]


def png(size: tuple[int, int], colour: int, packed: bytes, more: bytes = b"") -> bytes:
    """Return a PNG with these pixels, whatever size it declares."""
    head = struct.pack(">IIBBBBB", *size, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + more + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


@cache
def zeros(size: tuple[int, int]) -> bytes:
    """Return a PNG of nothing but black."""
    return png(size, 0, zlib.compress(bytes((size[0] + 1) * size[1]), 9))


@cache
def text_bomb() -> bytes:
    """Return a small PNG whose comment unpacks to 100 MB."""
    comment = _chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(100_000_000), 9))
    return png((28, 28), 0, zlib.compress(bytes(29 * 28)), comment)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _request(dice: random.Random, file: bytes) -> bytes:
    request = whole(file)
    return request.replace(b"/v1/classify", b"/v1/read", 1) if dice.random() < 0.3 else request


def _exif() -> bytes:
    """Return a JPEG whose EXIF data says how it was held."""
    picture = on_paper(3, 60)
    exif = picture.getexif()
    exif[0x0112], exif[0x010E] = 6, "x" * 500
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def _frames() -> bytes:
    """Return an animated GIF."""
    buffer = io.BytesIO()
    first, *others = (on_paper(label, 50) for label in (1, 2, 3))
    first.save(buffer, "GIF", save_all=True, append_images=others)
    return buffer.getvalue()
