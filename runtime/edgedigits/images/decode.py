"""Decode what a person hands over: a file, bytes, a PIL image or an array, into uint8 pixels.

Safe by default: a list of allowed formats, a pixel limit read from the header before anything is decoded, and one
kind of error whatever Pillow raises.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from edgedigits.errors import ImageError

ImageSource = str | Path | bytes | Image.Image | NDArray[Any]

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
# 64 megapixels of grey fit the memory of a 512 MB board; Pillow's own limit lets 178 through.
MAX_PIXELS = 64_000_000
# JPEG can be decoded at 1/2, 1/4 or 1/8 scale at a fraction of the cost; a digit needs no more than this.
DRAFT_SIZE = (512, 512)


def read_pixels(source: ImageSource, channels: int | None = None) -> NDArray[np.uint8]:
    """Decode an image to uint8 ``[H, W, C]``; transparent parts become white, EXIF orientation is applied.

    ``channels`` is 1 (grey) or 3 (RGB); by default grey images have 1 and all others 3. Arrays may be ``[H, W]`` or
    ``[H, W, 1|3|4]`` of uint8, uint16, bool, or float in 0-1 or 0-255.

    Raises
    ------
    ImageError: nothing there, not an image of an allowed format, damaged, too large, or an array of another kind.

    """
    if isinstance(source, np.ndarray):
        image = _from_array(source)
    elif isinstance(source, Image.Image):
        image = _decoded(source, "image")
    else:
        image = _open(source, grey=channels == 1)
    mode = {None: "L" if _is_grey(image) else "RGB", 1: "L", 3: "RGB"}.get(channels)
    if mode is None:
        raise ImageError(f"a model with {channels} channels: expected 1 (grey) or 3 (RGB)")
    pixels = np.asarray(_over_white(image).convert(mode))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _open(source: str | Path | bytes, *, grey: bool) -> Image.Image:
    if isinstance(source, bytes):
        return _open_bytes(source, "image bytes", grey=grey)
    path = Path(source)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error}); expected an image file") from error
    return _open_bytes(data, str(path), grey=grey)


def _open_bytes(data: bytes, name: str, *, grey: bool) -> Image.Image:
    if not data:
        raise ImageError(f"{name}: expected an image, found an empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: expected an image ({', '.join(FORMATS)}), found something else") from error
    except Exception as error:  # Pillow's readers raise OSError, ValueError, SyntaxError, struct.error and more
        raise ImageError(f"{name}: cannot be decoded ({_reason(error)})") from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"{name}: expected at most {MAX_PIXELS // 1_000_000} megapixels, found {image.width} x {image.height}; "
            "make it smaller first"
        )
    if grey:
        image.draft("L", DRAFT_SIZE)
    return _decoded(image, name)


def _decoded(image: Image.Image, name: str) -> Image.Image:
    try:
        image.load()
        return ImageOps.exif_transpose(image)
    except Exception as error:  # see _open_bytes
        raise ImageError(f"{name}: is damaged or cut short ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _is_grey(image: Image.Image) -> bool:
    return image.mode in {"1", "L", "LA", "La", "F"} or image.mode.startswith("I")


def _over_white(image: Image.Image) -> Image.Image:
    """Eight bits a channel, nothing transparent."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_array(_wide_to_uint8(image))
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")  # Pillow knows no direct way
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image


def _wide_to_uint8(image: Image.Image) -> NDArray[Any]:
    """16-bit and float images as an array `_from_array` takes; 32-bit integers are 16-bit PNGs in older Pillows."""
    values = np.asarray(image)
    return values if image.mode == "F" else np.clip(values, 0, 65_535).astype(np.uint16)


def _from_array(values: NDArray[Any]) -> Image.Image:
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if not values.size or not (values.ndim == 2 or (values.ndim == 3 and values.shape[-1] in {3, 4})):
        raise ImageError(f"array: expected [H, W] or [H, W, 1|3|4], found {list(values.shape)}")
    if values.shape[0] * values.shape[1] > MAX_PIXELS:
        raise ImageError(f"array: expected at most {MAX_PIXELS // 1_000_000} megapixels, found {list(values.shape)}")
    return Image.fromarray(np.ascontiguousarray(_to_uint8(values)))


def _to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return np.where(values, 255, 0).astype(np.uint8)
    if values.dtype == np.uint16:
        return (values >> 8).astype(np.uint8)
    if not np.issubdtype(values.dtype, np.floating):
        raise ImageError(f"array: expected uint8, uint16, bool or float pixels, found {values.dtype}")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):  # also true of NaN, which compares false
        raise ImageError(f"array: expected float pixels in 0-1 or 0-255 without NaN, found {low:g} to {high:g}")
    full: NDArray[np.uint8] = np.rint(values * (255 if high <= 1 else 1)).astype(np.uint8)
    return full
