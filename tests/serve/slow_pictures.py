"""Small files that take a decoder minutes: comments, empty scans and strips by the hundred thousand."""

from __future__ import annotations

import struct

BYTES = 4_900_000  # the service takes five million
SIDE = 4000


def comments() -> bytes:
    """A PPM, plain text, of comment lines alone; each is cut out of the text by itself."""
    return b"P2\n100 100\n255\n" + b"#\n" * (BYTES // 2)


def empty_scans() -> bytes:
    """A progressive JPEG whose scans say that nothing changes; for each of them the decoder visits every block."""
    frame = b"\xff\xc2" + struct.pack(">HBHHBBBB", 11, 8, SIDE, SIDE, 1, 1, 0x11, 0)
    quantization = b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([1] * 64)
    # One symbol of one bit: after it, 14 bits say for how many blocks nothing comes.
    codes = b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + bytes([1] + [0] * 15) + b"\xe0"
    runs = "0" + "1" * 14
    bits = runs * -(-((SIDE // 8) ** 2) // 32767)
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 63, 0) + packed
    return b"\xff\xd8" + quantization + frame + codes + scan * (BYTES // len(scan)) + b"\xff\xd9"


def strips() -> bytes:
    """A TIFF of one pixel in each of its millions of strips."""
    count = BYTES // 2
    start = 8
    tags = [(256, 4, 1, 1), (257, 4, 1, count), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 3, count, start),
            (277, 3, 1, 1), (278, 4, 1, 1), (279, 3, count, start)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, number, value) for tag, kind, number, value in tags)
    place = start + 2 * count
    return b"II*\0" + struct.pack("<I", place) + b"\1\0" * count + struct.pack("<H", len(tags)) + entries + bytes(4)
