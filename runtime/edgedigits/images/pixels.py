"""Pixels of arrays and of images of every mode: upright, eight bits a channel, nothing transparent, and clear in grey.

Grey is luminance, but where that is flat, as of red ink on green paper or yellow ink on white, it is the one colour in
which the ink is plain to see. That is decided once for a whole picture, on a small copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
# From the file's pixels to the upright picture, as views.
_TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
_BAND = 1 << 18  # pixels that are converted at a time

Convert = Callable[[Image.Image], Image.Image]


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
    return _scaling(values.dtype.kind, values.min().item(), values.max().item(), name)(values)


def _scaling(kind: str, low: float, high: float, name: str) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """Return how values of a kind of number, whose least and largest these are, are brought to eight bits."""
    if kind == "f":
        if not (low >= 0 and high <= 255):  # also true of NaN, which compares false
            raise ImageError(f"{name}: expected float pixels in 0-1 or 0-255 without NaN, found {low:g} to {high:g}")
        return lambda values: np.array(np.rint(values * (255 if high <= 1 else 1)), np.uint8)
    depth = next((bits for bits in _DEPTHS if high < 1 << bits), None)
    if low < 0 or depth is None:
        raise ImageError(f"{name}: expected whole numbers in 0-255 or 0-65535, found {low} to {high}")
    return lambda values: np.array(values >> (depth - 8), np.uint8)


def image_pixels(image: Image.Image, name: str, channels: int | None) -> NDArray[np.uint8]:
    """Decode an image to uint8 ``[H, W, C]``: 1 or 3 ``channels``, or what its mode has; ``name`` is for errors.

    Whatever is converted, is converted in bands: a whole copy of a large picture is what a small board has no room for.
    """
    image.load()
    mode = "L" if channels != 3 and is_grey(image) else "RGB"
    convert = _conversion(image, name, mode)
    if mode == "RGB" and channels == 1:
        in_colours = convert
        plane = _clear_plane(image, in_colours)
        convert = lambda band: plane(in_colours(band))  # noqa: E731  of the two before it
    turn = _TURNS.get(_orientation(image))
    if image.height <= (rows := _rows(image)):
        pixels = np.asarray(convert(image))
    else:
        pixels = np.empty((image.height, image.width, 3)[: 2 if mode == "L" or channels == 1 else 3], np.uint8)
        for top, band in _bands(image, rows):
            pixels[top : top + band.height] = np.asarray(convert(band))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def _rows(image: Image.Image) -> int:
    return max(1, _BAND // image.width)


def _bands(image: Image.Image, rows: int) -> Iterator[tuple[int, Image.Image]]:
    """Yield the first row of each band, and the band."""
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _conversion(image: Image.Image, name: str, mode: str) -> Convert:
    """Return what makes a band of a loaded image opaque and of this mode, L or RGB."""
    if image.mode[0] in "IF":
        scaling = _deep_scaling(image, name)
        return lambda band: _in_mode(Image.fromarray(scaling(_values(band))), mode)
    if not ("A" in image.mode or "a" in image.mode or "transparency" in image.info):
        return lambda band: _in_mode(band, mode)
    ground = _ground(image)
    return lambda band: _in_mode(_opaque(band, ground), mode)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # convert() copies what is right


def _values(image: Image.Image) -> NDArray[Any]:
    values = np.asarray(image)
    return values.clip(0, 65_535) if image.mode == "I" else values  # 32 bits, where older Pillows keep a PNG's 16


def _deep_scaling(image: Image.Image, name: str) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    ends = []
    for _, band in _bands(image, _rows(image)):
        values = _values(band)
        ends.append((values.min(), values.max()))
    low, high = np.min([low for low, _ in ends]).item(), np.max([high for _, high in ends]).item()
    return _scaling(values.dtype.kind, low, high, name)


def is_grey(image: Image.Image) -> bool:
    """Whether an image has no colours, by its mode."""
    return image.mode[0] in "IF" or image.mode in {"1", "L", "LA", "La"}


def is_turned(image: Image.Image) -> bool:
    """Whether a picture's height is the file's width, by its EXIF orientation; a TIFF is turned by Pillow."""
    return _orientation(image) in _SIDEWAYS


def _orientation(image: Image.Image) -> int:
    # load() turns a TIFF by itself, and Pillow 9.4 leaves the tag there.
    return 1 if image.format == "TIFF" else image.getexif().get(_ORIENTATION, 1)


def is_flat(grey: Image.Image) -> bool:
    """Whether an image, of mode L, has so little contrast that one of the picture's colours may have more."""
    return _contrast(_small(grey, Image.Resampling.NEAREST)) < _ENOUGH  # averages would lose hairlines


def _clear_plane(image: Image.Image, convert: Convert) -> Convert:
    """Return what makes a band of mode RGB grey: its luminance, or where that is flat its channel of most contrast."""
    if not is_flat(convert(_small(image, Image.Resampling.NEAREST)).convert("L")):
        return lambda band: band.convert("L")
    small = _average(image, convert)
    contrasts = [_contrast(channel, _NOISE) for channel in small.split()]
    is_clear = max(contrasts) > max(_LEAST, _FACTOR * _contrast(small.convert("L")))
    clearest = contrasts.index(max(contrasts))
    return (lambda band: band.getchannel(clearest)) if is_clear else (lambda band: band.convert("L"))


def _average(image: Image.Image, convert: Convert) -> Image.Image:
    """Make a small copy of what an image is converted to, of which each pixel is the mean of those it stands for."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return _small(image, Image.Resampling.BOX)
    small = Image.new("RGB", (min(image.width, _SIDE), min(image.height, _SIDE)))
    step = image.height / small.height
    rows = max(1, int(_rows(image) / step))
    for top in range(0, small.height, rows):
        below = min(top + rows, small.height)
        first, past = int(top * step), min(-int(-below * step // 1), image.height)
        band = convert(image.crop((0, first, image.width, past)))
        inside = (0, top * step - first, image.width, min(below * step - first, band.height))
        small.paste(band.resize((small.width, below - top), Image.Resampling.BOX, inside), (0, top))
    return small


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


def _ground(image: Image.Image) -> str:
    """Return white, or black if all that is visible is nearer to white: ink alone, not a sheet with its ink."""
    small = _rgba(_small(image, Image.Resampling.NEAREST)).convert("LA")
    grey, opacity = np.moveaxis(np.asarray(small), -1, 0)
    visible = np.sort(grey[(opacity > 0) & (opacity >= _VISIBLE * opacity.max())])
    return "black" if visible.size and visible[int(_DARKEST * visible.size)] > 127 else "white"


def _rgba(image: Image.Image) -> Image.Image:
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")  # Pillow knows no direct way


def _opaque(image: Image.Image, ground: str) -> Image.Image:
    """Put it on the ground."""
    rgba = _rgba(image)
    alpha, grounded = rgba.getchannel("A"), rgba.convert("RGB")
    if alpha.getextrema() != (255, 255):
        grounded.paste(ground, None, ImageChops.invert(alpha))
    return grounded
