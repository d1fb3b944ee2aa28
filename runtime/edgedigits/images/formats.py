"""Open image files with Pillow: allowed formats alone, and what is too large refused by its header."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from edgedigits.errors import ImageError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
# Of those that a service may have been told not to take.
_BEGINNINGS = {
    "TIFF": (b"II*\0", b"MM\0*"), "GIF": (b"GIF8",), "BMP": (b"BM",), "PPM": (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
}  # fmt: skip
MAX_PAGES = 1000  # a file of a few megabytes can claim a million
# Tags of TIFF. Of a page's kind bit 0 says that it is a smaller copy of another, bit 2 that it is a mask.
_KIND, _COPY_OR_MASK = 254, 0b101
# And of cameras' raw files, whose first page is a small copy of what lies below it.
_PAGES_BELOW, _DNG_VERSION = 330, 50706


def open_image(file: BinaryIO, name: str, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Read an image's header from a file's start; an ImageError says that it is of none of the formats, or huge."""
    file.seek(0)
    head = file.read(10)
    file.seek(0)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and "PNG" in formats:
        from PIL.PngImagePlugin import PngImageFile  # `Image.open` would import four more readers, which takes 4 ms

        return PngImageFile(file)
    try:
        image = Image.open(file, formats=formats)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: expected an image ({', '.join(formats)}), {_found(head, formats, file)}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: cannot be decoded ({error})") from error
    if _is_raw(image, head):  # Pillow would give the small copy in it
        raise ImageError(f"{name}: expected an image, found a camera's raw file; save it as JPEG or PNG first")
    return image


def _found(begin: bytes, formats: tuple[str, ...], file: BinaryIO) -> str:
    """Return the end of an error about a file that is no image: what its first bytes say, and what to do."""
    from edgedigits.content import HEAD, medium, wrapping

    if other := next((one for one in _BEGINNINGS if begin.startswith(_BEGINNINGS[one]) and one not in formats), None):
        return f"found {other}, which is not taken here; save it as JPEG or PNG first"
    file.seek(0)
    head = file.read(HEAD)
    content = wrapping(head) or medium(head)
    return f"found {content.name}; {content.cure}" if content else "found something else"


def _is_raw(image: Image.Image, head: bytes) -> bool:
    """Return whether a TIFF is a camera's raw file (CR2, NEF, DNG and their like)."""
    tags = getattr(image, "tag_v2", {})
    is_copy = bool(tags.get(_KIND, 0) & 1) and _PAGES_BELOW in tags
    is_canon = image.format == "TIFF" and head[8:10] == b"CR"
    return is_copy or is_canon or _DNG_VERSION in tags


def check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    """Refuse, by an ImageError, no pixels, or more than ``max_pixels``."""
    if not image.width * image.height:
        raise ImageError(f"{name}: expected an image, found {image.width} x {image.height} pixels")
    if image.width * image.height > max_pixels:
        expected = f"expected at most {max_pixels // 1_000_000} megapixels"
        raise ImageError(f"{name}: {expected}, found {image.width} x {image.height}; make it smaller first")


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
