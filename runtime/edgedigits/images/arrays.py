"""Arrays as cameras and programs hand them over, brought to uint8 pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ImageError

# What whole numbers beyond 8 bits come in: cameras' raw formats, then files of 16 bits.
_DEPTHS = (8, 10, 12, 16)


def array_pixels(values: NDArray[Any], max_pixels: int, *, bgr: bool = False, name: str = "array") -> NDArray[np.uint8]:
    """Bring an array ``[H, W]`` or ``[H, W, 1|3|4]`` to uint8 ``[H, W]`` or ``[H, W, 3|4]``, memory of its own.

    * uint8 is taken as it is, bool as black and white.
    * Other whole numbers, signed or not, have the smallest depth of 8, 10, 12 and 16 bits that holds the largest of
      them: an array does not tell how many bits its camera fills, and a picture that fills less than a quarter of its
      depth would be nearly black.
    * Floats are in 0-1 if none is above 1, else in 0-255.

    With ``bgr`` the colours come in OpenCV's order; without colour it changes nothing. ``name`` is for errors.

    Raises
    ------
    ImageError: another shape or type, nothing in it, more than ``max_pixels``, or values that are no pixels.

    """
    values = np.asarray(values)  # a masked array's mask and a matrix' shape mean nothing here
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if not values.size or not (values.ndim == 2 or (values.ndim == 3 and values.shape[-1] in {3, 4})):
        raise ImageError(f"{name}: expected [H, W] or [H, W, 1|3|4], found {list(values.shape)}")
    if values.shape[0] * values.shape[1] > max_pixels:
        raise ImageError(f"{name}: expected at most {max_pixels // 1_000_000} megapixels, found {list(values.shape)}")
    found = _to_uint8(values, name)
    pixels = np.array(found, order="C")
    if bgr and values.ndim == 3:  # channel by channel: 8 times as fast as turning the last axis round
        pixels[..., 0], pixels[..., 2] = found[..., 2], found[..., 0]
    return pixels


def _to_uint8(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind in "iu":
        return _from_whole(values, name)
    if values.dtype.kind == "f":
        return _from_float(values, name)
    raise ImageError(f"{name}: expected pixels of whole numbers, bool or float, found {values.dtype}")


def _from_whole(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    low, high = int(values.min()), int(values.max())
    depth = next((bits for bits in _DEPTHS if high < 1 << bits), None)
    if low < 0 or depth is None:
        raise ImageError(f"{name}: expected whole numbers in 0-255 or 0-65535, found {low} to {high}")
    upper: NDArray[np.uint8] = (values >> (depth - 8)).astype(np.uint8)
    return upper


def _from_float(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):  # also true of NaN, which compares false
        raise ImageError(f"{name}: expected float pixels in 0-1 or 0-255 without NaN, found {low:g} to {high:g}")
    full: NDArray[np.uint8] = np.rint(values * (255 if high <= 1 else 1)).astype(np.uint8)
    return full
