"""Open image files with Pillow: allowed formats alone, and what is too large refused by its header."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from edgedigits.errors import ImageError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
_WEBP_WEIGHT = 3  # decoding takes so many times the memory that a PNG takes, and the file may have a few bytes
MAX_PAGES = 1000  # a file of a few megabytes can claim a million
# Tags of TIFF. Of a page's kind bit 0 says that it is a smaller copy of another, bit 2 that it is a mask.
_KIND, _COPY_OR_MASK, _TILE_WIDTH, _TILE_LENGTH = 254, 0b101, 322, 323


def open_image(file: BinaryIO, name: str) -> Image.Image:
    """Read an image's header from a file's start; an ImageError says that it is of no allowed format, or huge."""
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if head == b"\x89PNG\r\n\x1a\n":
        from PIL.PngImagePlugin import PngImageFile  # `Image.open` would import four more readers, which takes 4 ms

        return PngImageFile(file)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: expected an image ({', '.join(FORMATS)}), found something else") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: cannot be decoded ({error})") from error


def check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    """Refuse, by an ImageError, no pixels, or more than ``max_pixels``: of a TIFF's tiles too, of WebP a third."""
    most, tags = max_pixels // (_WEBP_WEIGHT if image.format == "WEBP" else 1), getattr(image, "tag_v2", {})
    if not image.width * image.height:
        raise ImageError(f"{name}: expected an image, found {image.width} x {image.height} pixels")
    for what, width, height in (("", *image.size), ("tiles of ", tags.get(_TILE_WIDTH, 0), tags.get(_TILE_LENGTH, 0))):
        if width * height > most:
            expected = f"expected {what}at most {most // 1_000_000} megapixels"
            raise ImageError(f"{name}: {expected}, found {width} x {height}; make it smaller first")


def turn_pages(image: Image.Image, name: str) -> Iterator[int]:
    """Turn a TIFF to one page after the other, and yield their numbers; all else is one page, number 0.

    Thumbnails and masks are skipped, but for the first. Pillow takes a page that leads back to another for the last.
    """
    yield 0
    for number in count(1) if image.format == "TIFF" else ():
        try:
            image.seek(number)
        except EOFError:
            return
        except Exception:
            if _is_page(image):  # Pillow reads no masks
                raise
        if number == MAX_PAGES:
            raise ImageError(f"{name}: expected at most {MAX_PAGES} pages, found more; split it first")
        if _is_page(image):
            yield number


def _is_page(image: Image.Image) -> bool:
    return not getattr(image, "tag_v2", {}).get(_KIND, 0) & _COPY_OR_MASK
