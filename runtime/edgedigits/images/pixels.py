"""Pixels of arrays and of images of every mode: upright, eight bits a channel, nothing transparent, and clear in grey.

Grey is luminance, but where that is flat, as of red ink on green paper or yellow ink on white, it is the one colour in
which the ink is plain to see. That is decided once for a whole picture, on a small copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from edgedigits.errors import ImageError

_DEPTHS = (8, 10, 12, 16)  # of whole numbers: those of cameras' raw formats, then of files of 16 bits
_SIDE = 192  # at most, of the small copies on which contrast and ground are measured
# Luminance is kept if its contrast is twice the least, in grey levels, that is read, or a half of the best colour's: in
# photographs of newspapers that has 0.8 to 1.5 times as much, of yellow ink on white 3 to 5, of red on green 4 to 10.
_ENOUGH, _LEAST, _FACTOR = 48, 24, 2
# Contrast is the distance of two quantiles, so that a few odd pixels do not count. Of normally distributed noise it is
# 7 times the median difference of two pixels, of a JPEG's a little more; and those of one blot of colour are alike.
_TAIL, _NOISE, _APART = 0.0005, 8, 8
# The ground depends on pixels about as opaque as the most opaque (edges may have picked up any colour below), and on
# the darkest share of them: a page has at least as much ink.
_VISIBLE, _DARKEST, _ORIENTATION = 0.9, 0.002, 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})  # of the values of EXIF's orientation


def array_pixels(values: NDArray[Any], max_pixels: int, *, bgr: bool = False, name: str = "array") -> NDArray[np.uint8]:
    """Bring an array ``[H, W]`` or ``[H, W, 1|3|4]`` to uint8 ``[H, W]`` or ``[H, W, 3|4]``, memory of its own.

    uint8 is taken as it is, bool as black and white, floats in 0-1 if none is above 1, else in 0-255. Other whole
    numbers have the smallest depth of 8, 10, 12 and 16 bits that holds the largest of them: an array does not tell
    how many bits its camera fills. With ``bgr`` the colours come in OpenCV's order; without colour it changes nothing.

    An ImageError, which begins with ``name``, says what is wrong with its shape, size, type or values.
    """
    values = np.asarray(values)  # a masked array's mask and a matrix' shape mean nothing here
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if not values.size or values.ndim < 2 or values.shape[2:] not in {(), (3,), (4,)}:
        raise ImageError(f"{name}: expected [H, W] or [H, W, 1|3|4], found {list(values.shape)}")
    if values.shape[0] * values.shape[1] > max_pixels:
        raise ImageError(f"{name}: expected at most {max_pixels // 1_000_000} megapixels, found {list(values.shape)}")
    found = _to_uint8(values, name)
    pixels = np.array(found, order="C")
    if bgr and values.ndim == 3:  # channel by channel: 8 times as fast as turning the last axis round
        pixels[..., 0], pixels[..., 2] = found[..., 2], found[..., 0]
    return pixels


def _to_uint8(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if values.dtype == np.uint8 or values.dtype.kind == "b":
        return values if values.dtype == np.uint8 else values * np.uint8(255)
    if values.dtype.kind not in "iuf":
        raise ImageError(f"{name}: expected pixels of whole numbers, bool or float, found {values.dtype}")
    low, high = values.min().item(), values.max().item()
    if values.dtype.kind == "f":
        if not (low >= 0 and high <= 255):  # also true of NaN, which compares false
            raise ImageError(f"{name}: expected float pixels in 0-1 or 0-255 without NaN, found {low:g} to {high:g}")
        return np.array(np.rint(values * (255 if high <= 1 else 1)), np.uint8)
    depth = next((bits for bits in _DEPTHS if high < 1 << bits), None)
    if low < 0 or depth is None:
        raise ImageError(f"{name}: expected whole numbers in 0-255 or 0-65535, found {low} to {high}")
    return np.array(values >> (depth - 8), np.uint8)


def image_pixels(image: Image.Image, name: str, channels: int | None) -> NDArray[np.uint8]:
    """Decode an image to uint8 ``[H, W, C]``: 1 or 3 ``channels``, or what its mode has; ``name`` is for errors."""
    image.load()
    is_deep = image.mode[0] in "IF"
    mode = "L" if channels != 3 and is_grey(image) else "RGB"
    # load() turns a TIFF by itself, and Pillow 9.4 would then turn it again; and it copies what needs no turning.
    if image.format != "TIFF" and image.getexif().get(_ORIENTATION, 1) != 1:
        from PIL import ImageOps  # brings names of all EXIF tags along

        image = ImageOps.exif_transpose(image)
    if is_deep:  # "I" has 32 bits, where older Pillows keep the 16 of a PNG
        values = np.asarray(image).clip(0, 65_535) if image.mode == "I" else np.asarray(image)
        image = Image.fromarray(array_pixels(values, values.size, name=name))
    image = _opaque(image)
    image = image if image.mode == mode else image.convert(mode)  # convert() copies what is right
    pixels = np.asarray(_clear_grey(image) if mode == "RGB" and channels == 1 else image)
    return pixels.reshape(*pixels.shape[:2], -1)


def is_grey(image: Image.Image) -> bool:
    """Whether an image has no colours, by its mode."""
    return image.mode[0] in "IF" or image.mode in {"1", "L", "LA", "La"}


def is_turned(image: Image.Image) -> bool:
    """Whether a picture's height is the file's width, by its EXIF orientation; a TIFF is turned by Pillow."""
    return image.format != "TIFF" and image.getexif().get(_ORIENTATION, 1) in _SIDEWAYS


def is_flat(grey: Image.Image) -> bool:
    """Whether an image, of mode L, has so little contrast that one of the picture's colours may have more."""
    return _contrast(_small(grey, Image.Resampling.NEAREST)) < _ENOUGH  # averages would lose hairlines


def _clear_grey(image: Image.Image) -> Image.Image:
    """Make an image of mode RGB grey, of mode L: its luminance, or its channel of most contrast where that is flat."""
    grey = image.convert("L")
    if not is_flat(grey):
        return grey
    small = _small(image, Image.Resampling.BOX)
    contrasts = [_contrast(channel, _NOISE) for channel in small.split()]
    is_clear = max(contrasts) > max(_LEAST, _FACTOR * _contrast(small.convert("L")))
    return image.getchannel(contrasts.index(max(contrasts))) if is_clear else grey


def _small(image: Image.Image, how: Image.Resampling) -> Image.Image:
    return image.resize((min(image.width, _SIDE), min(image.height, _SIDE)), how)


def _contrast(plane: Image.Image, noise: int = 0) -> float:
    """Grey levels that a plane spans without slow light, and less its noise, so many times."""
    light = plane.filter(ImageFilter.BoxBlur(max(1, min(plane.size) // 4)))
    flat = np.asarray(plane, np.int16) - np.asarray(light)
    ends = [int(_TAIL * flat.size), -1 - int(_TAIL * flat.size)]
    low, high = np.partition(flat, ends, axis=None)[ends]
    once = np.median(np.abs(flat - np.roll(flat, _APART, axis=(0, 1)))) if noise else 0
    return float(high - low - noise * once)


def _opaque(image: Image.Image) -> Image.Image:
    """Put it on white, or on black if all that is visible is nearer to white: ink alone, not a sheet with its ink."""
    if not ("A" in image.mode or "a" in image.mode or "transparency" in image.info):
        return image
    rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")  # Pillow knows no direct way
    alpha, grounded = rgba.getchannel("A"), rgba.convert("RGB")
    if alpha.getextrema() == (255, 255):
        return grounded
    grey, opacity = np.moveaxis(np.asarray(_small(rgba, Image.Resampling.NEAREST).convert("LA")), -1, 0)
    visible = np.sort(grey[(opacity > 0) & (opacity >= _VISIBLE * opacity.max())])
    is_light = visible.size and visible[int(_DARKEST * visible.size)] > 127
    grounded.paste("black" if is_light else "white", None, ImageChops.invert(alpha))
    return grounded
