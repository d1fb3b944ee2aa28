"""How many bytes decoding an image takes at its peak, known from its header, so that it can be refused before.

All copies count: what Pillow stores, what its decoders and the libraries below them keep beside it, a TIFF that Pillow
turns, and the pixels that come out. What `edgedigits.images.pixels` converts, it converts in bands, which count as the
few megabytes that they take. The figures were measured with Pillow 13; tests measure them for every format and mode.
"""

from __future__ import annotations

from typing import BinaryIO

from PIL import Image

from edgedigits.errors import ImageError
from edgedigits.images.pixels import is_turned

MAX_DECODED = 300_000_000  # with the command's own 60 MB it fits a board of 512 MB
# Pillow stores one byte a pixel in these modes, two in those of 16 bits, and four in all others, with alpha or without.
_ONE_BYTE = frozenset({"1", "L", "P"})
# libwebp keeps two frames of RGBA, hands a third over, and Pillow copies it.
_WEBP = 16
_COEFFICIENT = 2  # bytes; libjpeg keeps all of them where several scans of the file add to them
_START_OF_SCAN, _START_OF_IMAGE = 0xDA, 2
_WIDTH, _BITS, _SAMPLES, _ROWS, _ORIENTATION = 256, 258, 277, 278, 274
_TILE_WIDTH, _TILE_LENGTH = 322, 323
# Pillow's decoders in Python collect the file's pixels, four bytes each at most, and copy them.
_IN_PYTHON, _COLLECTED = frozenset({"ppm", "ppm_plain", "bmp_rle"}), 8


def check_bytes(
    image: Image.Image, name: str, size: tuple[int, int], channels: int, most: int, file: BinaryIO | None
) -> int:
    """Return the bytes that decoding an image takes; refuse it, by an ImageError, if they are more than ``most``.

    ``size`` is that of the file's image, where ``image`` is to be decoded smaller; 1 or 3 ``channels`` come out.
    """
    needed = peak_bytes(image, size, channels, file)
    if needed > most:
        expected = f"expected an image that takes at most {_mega(most)} MB to decode"
        found = f"found {size[0]} x {size[1]} {image.format} {image.mode}, which takes {_mega(needed)} MB"
        raise ImageError(f"{name}: {expected}, {found}; make it smaller first")
    return needed


def peak_bytes(image: Image.Image, size: tuple[int, int], channels: int, file: BinaryIO | None) -> int:
    """Return the bytes that decoding takes at most; the arguments are those of `check_bytes`."""
    pixels = image.width * image.height
    stored = _stored_bytes(image.mode) * pixels
    out = channels * pixels
    if is_turned(image):
        out *= 2
    beside = 0
    if image.format == "WEBP":
        beside = (_WEBP - 4) * pixels
    elif image.format == "JPEG" and file is not None:
        beside = _coefficients(image, size, file)
        if channels == 1 and image.mode == "L":  # if luminance is flat, it is decoded again, in colours
            stored += 4 * pixels
    elif image.format == "TIFF":
        beside = _tiff(image, stored)
    elif _codec(image) in _IN_PYTHON:
        beside = _COLLECTED * pixels
    return stored + beside + out


def _stored_bytes(mode: str) -> int:
    """Return the bytes in which Pillow stores a pixel of a mode."""
    return 1 if mode in _ONE_BYTE else 2 if mode.startswith("I;16") else 4


def _codec(image: Image.Image) -> str | None:
    tiles = getattr(image, "tile", None)
    return str(tiles[0][0]) if tiles else None


def _coefficients(image: Image.Image, size: tuple[int, int], file: BinaryIO) -> int:
    layers = getattr(image, "layer", [])
    if not ("progressive" in image.info or _scans_apart(file, len(layers))):
        return 0
    across = max((layer[1] for layer in layers), default=1)
    down = max((layer[2] for layer in layers), default=1)
    samples = sum(layer[1] * layer[2] for layer in layers) / (across * down)
    return int(_COEFFICIENT * samples * (size[0] + 8 * across) * (size[1] + 8 * down))


def _scans_apart(file: BinaryIO, layers: int) -> bool:
    """Return whether the first scan of a JPEG lacks some of its layers, so that others follow."""
    place = file.tell()
    try:
        file.seek(_START_OF_IMAGE)
        while (marker := file.read(2)) and len(marker) == 2:
            if marker[0] != 0xFF or marker[1] == 0xFF:
                file.seek(-1, 1)  # filling
                continue
            length = int.from_bytes(file.read(2), "big")
            if marker[1] == _START_OF_SCAN:
                return int.from_bytes(file.read(1), "big") < layers
            file.seek(max(length - 2, 0), 1)
        return False
    finally:
        file.seek(place)


def _tiff(image: Image.Image, stored: int) -> int:
    """Return what libtiff keeps, a whole tile or strip, and the copy that Pillow turns."""
    tags = getattr(image, "tag_v2", {})
    turned = stored if tags.get(_ORIENTATION, 1) != 1 else 0
    if _codec(image) != "libtiff":
        return turned
    bits = max(tags.get(_BITS, (8,)), default=8) * max(1, tags.get(_SAMPLES, 1))
    width, height = tags.get(_WIDTH, image.width), min(tags.get(_ROWS, image.height), image.height)
    if _TILE_WIDTH in tags:
        width, height = tags[_TILE_WIDTH], tags.get(_TILE_LENGTH, 0)
    unpacked = width * height * max(bits // 8, 4)  # of JPEG's strips Pillow asks for four bytes a pixel
    return int(unpacked + turned)


def _mega(count: int) -> str:
    return f"{count / 1e6:.0f}"
