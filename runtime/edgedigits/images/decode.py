"""Decode what a person hands over: a file, bytes, a PIL image or an array, into uint8 pixels.

Safe by default: a list of allowed formats, a pixel limit read from the header before anything is decoded, and one
kind of error whatever Pillow or a file object raises.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from edgedigits.errors import ImageError
from edgedigits.images.arrays import array_pixels

ImageSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[Any]

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
# 64 megapixels of grey fit the memory of a 512 MB board; Pillow's own limit lets 178 through.
MAX_PIXELS = 64_000_000
# Of a stream that cannot be read again from its start: four uncompressed bytes for each of those pixels.
MAX_BYTES = 4 * MAX_PIXELS
# JPEG can be decoded at 1/2, 1/4 or 1/8 scale at less than half of the cost. A digit that takes a 25th of the shorter
# side keeps 20 pixels then, and MNIST's box has no more; a 12-megapixel photograph comes as 1000 x 750.
DETAIL = 512
_PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112
_CHUNK = 1 << 20


class Picture(NamedTuple):  # made for every answer: a third of what a frozen dataclass costs
    """A decoded picture.

    Attributes
    ----------
    pixels: uint8 ``[H, W, C]``, upright, C is 1 or 3.
    scale: pixels of the source per pixel: 1, or 2, 4, 8 for a JPEG decoded small.

    """

    pixels: NDArray[np.uint8]
    scale: int


def read_pixels(source: ImageSource, channels: int | None = None, *, bgr: bool = False) -> NDArray[np.uint8]:
    """Decode an image to uint8 ``[H, W, C]``, see `read_picture`.

    Raises
    ------
    ImageError: nothing there, not an image of an allowed format, damaged, too large, or an array of another kind.

    """
    return read_picture(source, channels, bgr=bgr).pixels


def read_picture(
    source: ImageSource,
    channels: int | None = None,
    *,
    bgr: bool = False,
    detail: int = DETAIL,
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """Decode a path, bytes, a binary file, a PIL image of any mode, or an array.

    Transparent parts become white, the EXIF orientation is applied, of several frames the first counts. ``channels``
    is 1 (grey) or 3 (RGB); by default grey images have 1 and all others 3. `edgedigits.images.arrays` says which
    arrays are understood; ``bgr`` is about their colours, files know their own. A file object is read from its start
    if it can be, and left open. Where grey is asked for, a JPEG is decoded at a fraction of its size as long as both
    sides keep ``detail`` pixels. A picture of more than ``max_pixels`` is refused before it is decoded.

    Raises
    ------
    ImageError: nothing there, not an image of an allowed format, damaged, too large, or an array of another kind.

    """
    if channels not in {None, 1, 3}:
        raise ImageError(f"a model with {channels} channels: expected 1 (grey) or 3 (RGB)")
    asked = _Asked(channels, detail, max_pixels)
    if isinstance(source, np.ndarray):
        return Picture(_of_array(array_pixels(source, max_pixels, bgr=bgr), channels, max_pixels), 1)
    if isinstance(source, str | os.PathLike):
        return _read_path(Path(os.fsdecode(source)), asked)
    if isinstance(source, Image.Image):
        return _guarded("image", lambda: Picture(_of_image(source, "image", channels, max_pixels), 1))
    if isinstance(source, bytes | bytearray | memoryview):
        return _read_file(io.BytesIO(source), "image bytes", asked)
    if callable(getattr(source, "read", None)):
        told = getattr(source, "name", None)
        return _read_file(source, told if isinstance(told, str) else "image file", asked)
    expected = "expected a path, bytes, a binary file, a PIL image or an array"
    raise ImageError(f"image: {expected}, found {type(source).__name__}")


class _Asked(NamedTuple):
    """What `read_picture` was asked for, handed down."""

    channels: int | None
    detail: int
    max_pixels: int


def _guarded(name: str, decode: Callable[[], Picture]) -> Picture:
    try:
        with warnings.catch_warnings():
            # Of odd metadata, and of Pillow's own pixel limit, which is above ours. Only Pillow's: should two threads
            # leave this block in the wrong order, the filter stays.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            return decode()
    except ImageError:
        raise
    except Exception as error:  # OSError, ValueError, SyntaxError, struct.error, MemoryError, and a file object's own
        raise ImageError(f"{name}: is damaged or cut short ({_reason(error)})") from error


def _read_path(path: Path, asked: _Asked) -> Picture:
    try:
        # Not by Pillow: it would map some formats into memory, and a file that shrinks meanwhile ends the process.
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path}: cannot be read ({reason}); expected an image file") from error
    with file:
        return _read_file(file, str(path), asked)


def _read_file(file: BinaryIO, name: str, asked: _Asked) -> Picture:
    return _guarded(name, lambda: _decode(_rewound(file, name), name, asked))


def _rewound(file: BinaryIO, name: str) -> BinaryIO:
    """The file at its start; of a pipe and its like, what there is to read."""
    whole: BinaryIO = file if _can_seek(file) else io.BytesIO(_drain(file, name))
    whole.seek(0)
    head = whole.read(1)
    if isinstance(head, str):
        raise ImageError(f"{name}: expected a binary file, found one that was opened as text; open it with 'rb'")
    if not head:
        raise ImageError(f"{name}: expected an image, found an empty file")
    return whole


def _can_seek(file: BinaryIO) -> bool:
    try:
        return file.seekable()
    except AttributeError:  # an object with a read() and little else
        return False


def _drain(file: BinaryIO, name: str) -> bytes:
    data = bytearray()
    while chunk := file.read(_CHUNK):
        data += chunk
        if len(data) > MAX_BYTES:
            raise ImageError(f"{name}: expected at most {MAX_BYTES // 1_000_000} MB, found more; make it smaller first")
    return bytes(data)


def _decode(file: BinaryIO, name: str, asked: _Asked) -> Picture:
    try:
        image = _png(file) or Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: expected an image ({', '.join(FORMATS)}), found something else") from error
    except Exception as error:  # see _guarded
        raise ImageError(f"{name}: cannot be decoded ({_reason(error)})") from error
    _check_size(image, name, asked.max_pixels)
    width = image.width
    if asked.channels == 1:
        image.draft("L", (asked.detail, asked.detail))
    return Picture(_of_image(image, name, asked.channels, asked.max_pixels), round(width / image.width))


def _png(file: BinaryIO) -> Image.Image | None:
    """Open a PNG by its own class: `Image.open` imports the readers of four more formats first, which takes 4 ms.

    What is none, or damaged, is left to `Image.open` and its errors.
    """
    file.seek(0)
    head = file.read(len(_PNG))
    file.seek(0)
    if head != _PNG:
        return None
    from PIL.PngImagePlugin import PngImageFile

    try:
        return PngImageFile(file)
    except Exception:  # noqa: BLE001  see _guarded
        file.seek(0)
        return None


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    if not image.width * image.height:
        raise ImageError(f"{name}: expected an image, found {image.width} x {image.height} pixels")
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"{name}: expected at most {max_pixels // 1_000_000} megapixels, found {image.width} x {image.height}; "
            "make it smaller first"
        )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _of_image(image: Image.Image, name: str, channels: int | None, max_pixels: int) -> NDArray[np.uint8]:
    """Upright pixels of an image of any mode."""
    _check_size(image, name, max_pixels)
    image.load()
    # load() turns a TIFF by itself, and Pillow 9.4 would then turn it again; and it copies what needs no turning.
    if image.format != "TIFF" and image.getexif().get(_ORIENTATION, 1) != 1:
        from PIL import ImageOps  # brings names of all EXIF tags along

        image = ImageOps.exif_transpose(image)
    grey = channels == 1 or (channels is None and _is_grey(image))
    mode = "L" if grey else "RGB"
    opaque = _over_white(image, name)
    pixels = np.asarray(opaque if opaque.mode == mode else opaque.convert(mode))  # convert() copies what is right
    return pixels[..., np.newaxis] if grey else pixels


def _of_array(values: NDArray[np.uint8], channels: int | None, max_pixels: int) -> NDArray[np.uint8]:
    if values.ndim == 2 and channels != 3:
        return values[..., np.newaxis]  # a camera's frames: no way round by Pillow
    return _of_image(Image.fromarray(values), "array", channels, max_pixels)


def _is_grey(image: Image.Image) -> bool:
    return image.mode in {"1", "L", "LA", "La", "F"} or image.mode.startswith("I")


def _over_white(image: Image.Image, name: str) -> Image.Image:
    """Eight bits a channel, nothing transparent."""
    if image.mode == "F":
        return Image.fromarray(array_pixels(np.asarray(image), MAX_PIXELS, name=name))
    if image.mode.startswith("I"):  # 16 bits by definition; 32-bit integers are 16-bit PNGs in older Pillows
        return Image.fromarray((np.clip(np.asarray(image), 0, 65_535) >> 8).astype(np.uint8))
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")  # Pillow knows no direct way
        if rgba.getchannel("A").getextrema() == (255, 255):  # as in a camera's frames of four channels
            return rgba
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image
