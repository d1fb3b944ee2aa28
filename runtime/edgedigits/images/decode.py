"""Decode what a person hands over, a file, bytes, a PIL image or an array, safely into uint8 pixels."""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.errors import ImageError
from edgedigits.images.decoded_bytes import MAX_DECODED, check_bytes
from edgedigits.images.formats import FORMATS, check_size, open_image, turn_pages
from edgedigits.images.pixels import array_pixels, image_pixels, is_flat, is_grey, is_turned

ImageSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[Any]

MAX_PIXELS = 64_000_000  # Pillow's own limit lets 178 million through
MAX_BYTES = 4 * MAX_PIXELS  # of a stream that cannot be read again from its start
# JPEG can be decoded at 1/2, 1/4 or 1/8 scale at less than half of the cost; a 12-megapixel photograph comes as 1000 x
# 750. A digit that takes a 25th of the shorter side keeps 20 pixels then, and MNIST's box has no more.
DETAIL = 512
# A picture made grey has no more pixels than this, or finding digits in it takes gigabytes.
_MAX_GREY = 6_000_000


_BYTES = "image bytes"  # what errors call bytes


class PictureLimits(NamedTuple):
    """What a picture may take and be.

    Attributes
    ----------
    pixels: the size above which it is refused before it is decoded.
    decoded_bytes: the memory that decoding it may take, as `decoded_bytes` tells it from the header.
    formats: the formats of files that are taken.

    """

    pixels: int = MAX_PIXELS
    decoded_bytes: int = MAX_DECODED
    formats: tuple[str, ...] = FORMATS


PICTURE_LIMITS = PictureLimits()


class Picture(NamedTuple):  # made for every answer: a third of what a frozen dataclass costs
    """A decoded picture.

    Attributes
    ----------
    pixels: uint8 ``[H, W, C]``, C is 1 or 3, upright.
    scale: the source's pixels per pixel; 1, or more where a large picture was made smaller.
    decode_ns: the nanoseconds that decoding took, where another process did it; else 0.

    """

    pixels: NDArray[np.uint8]
    scale: int
    decode_ns: int = 0


def read_pixels(source: ImageSource, channels: int | None = None, *, bgr: bool = False) -> NDArray[np.uint8]:
    """Decode an image to uint8 ``[H, W, C]``; arguments and errors are those of `read_picture`."""
    return read_picture(source, channels, bgr=bgr).pixels


def read_shape(path: Path) -> tuple[int, int, int]:
    """Return the shape of what `read_pixels` gives of a file, height, width and channels, from the file's header alone.

    An ImageError says that it is no image.
    """
    given, name = _open(path)
    with given, _guarded(name):
        image = open_image(_rewound(given, name), name)
        height, width = image.size if is_turned(image) else image.size[::-1]
        return height, width, 1 if is_grey(image) else 3


def read_picture(
    source: ImageSource | Picture,
    channels: int | None = None,
    *,
    bgr: bool = False,
    detail: int = DETAIL,
    limits: PictureLimits = PICTURE_LIMITS,
) -> Picture:
    """Decode a path, bytes, a binary file, a PIL image of any mode, or an array.

    ``channels`` is 1 (grey) or 3 (RGB); by default grey images have 1 and all others 3. Grey is luminance, or one
    colour where that is flat. Transparent parts get the ground, white or black, that the ink stands out from; the EXIF
    orientation is applied; of several pages or frames the first counts. `array_pixels` says what arrays and files of
    more than 8 bits mean; ``bgr`` is about arrays, files know their colours. A file object is read from its start if it
    can be, and left open. Made grey, a JPEG is decoded small as long as both sides keep ``detail`` pixels, and what has
    more than six megapixels is made smaller. A `Picture` is returned as it is.

    An ImageError says that there is no image of an allowed format or array of pixels, that it is damaged, or too large.
    """
    if isinstance(source, Picture):
        return source
    with closing(read_pages(source, channels, bgr=bgr, detail=detail, limits=limits)) as pages:
        return next(pages)


def read_pages(
    source: ImageSource,
    channels: int | None = None,
    *,
    bgr: bool = False,
    detail: int = DETAIL,
    limits: PictureLimits = PICTURE_LIMITS,
) -> Generator[Picture, None, None]:
    """Decode the pages of a TIFF, each when it is asked for; all else is one page, see `read_picture`.

    Thumbnails and masks are no pages, but for the first, and more than a thousand are too many, after these.
    """
    if channels not in {None, 1, 3}:
        raise ImageError(f"a model with {channels} channels: expected 1 (grey) or 3 (RGB)")
    if isinstance(source, np.ndarray):
        source = Image.fromarray(array_pixels(source, limits.pixels, bgr=bgr))
    if isinstance(source, Image.Image):
        with _guarded("image"):
            picture = _decode(source, "image", channels, limits)
        yield picture
        return
    given, name = _open(source)
    with nullcontext() if given is source else given:  # a file object is its owner's
        with _guarded(name):
            file = _rewound(given, name)
            image = open_image(file, name, limits.formats)
            pages = turn_pages(image, name)
        for number in count(1):
            label = f"{name}, page {number}" if number > 1 else name
            with _guarded(label):
                if next(pages, None) is None:
                    return
                picture = _decode(image, label, channels, limits, detail, file)
            yield picture


def told_bytes(data: bytes, channels: int | None, detail: int, limits: PictureLimits = PICTURE_LIMITS) -> int:
    """Return the memory that `read_picture` takes for a file's bytes, as its header tells; errors are the same."""
    name = _BYTES
    with _guarded(name):
        file = _rewound(io.BytesIO(data), name)
        image = open_image(file, name, limits.formats)
        check_size(image, name, limits.pixels)
        return _prepare(image, name, channels, limits, detail, file)


def _prepare(
    image: Image.Image, name: str, channels: int | None, limits: PictureLimits, detail: int, file: BinaryIO | None
) -> int:
    """Choose how small a JPEG is decoded; return the memory that an image takes, or refuse it."""
    size = image.size
    if detail and channels == 1:
        # A JPEG keeps its luminance apart: without its colours it is decoded in up to a quarter less time.
        image.draft("L" if file else "RGB", (detail, detail))
    out = channels or (1 if is_grey(image) else 3)
    return check_bytes(image, name, size, out, limits.decoded_bytes, file)


def _decode(
    image: Image.Image,
    name: str,
    channels: int | None,
    limits: PictureLimits,
    detail: int = 0,
    file: BinaryIO | None = None,
) -> Picture:
    """Decode the page that an image is at; a JPEG with its file may be read again for its colours."""
    check_size(image, name, limits.pixels)
    size, mode = image.size, image.mode
    _prepare(image, name, channels, limits, detail, file)
    pixels = image_pixels(image, name, channels)
    if file and image.mode != mode and is_flat(image):
        image.close()
        return _decode(open_image(file, name, limits.formats), name, channels, limits, detail)
    scale = round(size[0] / image.width)
    if channels == 1 and image.width * image.height > _MAX_GREY:
        less = math.ceil(math.sqrt(image.width * image.height / _MAX_GREY))
        pixels, scale = np.asarray(Image.fromarray(pixels[..., 0]).reduce(less))[..., np.newaxis], scale * less
    return Picture(pixels, scale)


@contextmanager
def _guarded(name: str) -> Iterator[None]:
    """Turn whatever Pillow or a file object raises into an ImageError of one line."""
    try:
        with warnings.catch_warnings():
            # Pillow's alone, of odd metadata and its own limit: if threads leave in the wrong order, the filter stays.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name}: takes more memory than there is; make it smaller first") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: is damaged or cut short ({reason})") from error


def _open(source: Any) -> tuple[BinaryIO, str]:
    """Return a file, and what errors call it."""
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source), _BYTES
    if isinstance(source, str | os.PathLike):
        path = Path(os.fsdecode(source))
        try:
            # Not by Pillow: it would map some formats into memory, and a file that shrinks meanwhile ends the process.
            return path.open("rb"), str(path)
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or error
            raise ImageError(f"{path}: cannot be read ({told}); expected an image file") from error
    if not callable(getattr(source, "read", None)):
        expected = "expected a path, bytes, a binary file, a PIL image or an array"
        raise ImageError(f"image: {expected}, found {type(source).__name__}")
    told = getattr(source, "name", None)
    return source, told if isinstance(told, str) else "image file"


def _rewound(file: BinaryIO, name: str) -> BinaryIO:
    """The file at its start; of a pipe and its like, what there is to read."""
    if not getattr(file, "seekable", lambda: False)():  # some objects have a read() and little else
        data = bytearray()
        while chunk := file.read(1 << 20):
            data += chunk
            if len(data) > MAX_BYTES:
                raise ImageError(f"{name}: expected at most {MAX_BYTES // 10**6} MB, found more; make it smaller first")
        file = io.BytesIO(data)
    file.seek(0)
    if isinstance(head := file.read(1), str):
        raise ImageError(f"{name}: expected a binary file, found one that was opened as text; open it with 'rb'")
    if not head:
        raise ImageError(f"{name}: expected an image, found an empty file")
    return file
