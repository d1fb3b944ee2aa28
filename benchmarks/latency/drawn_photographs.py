"""Draw one handwritten digit as if photographed at any size: ink on paper in uneven light, with a sensor's grain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SOURCES = ("array", "png", "jpeg")
_PAPER, _DARKEST, _INK, _GRAIN = 215, 0.75, 0.8, 3.0
_HEIGHT = 0.6  # of the digit's cell, in that of the picture
_TINT = np.array([1.0, 0.97, 0.9], np.float32)
_QUALITY = 93  # what rpicam-still writes unless told otherwise


def photograph(digit: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return grey uint8 ``[side, side]`` of a digit uint8 ``[28, 28]``, light on dark as MNIST has it."""
    rng = np.random.default_rng(side)
    size = round(_HEIGHT * side)
    ink = np.zeros((side, side), np.float32)
    start = (side - size) // 2
    large = Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)
    ink[start : start + size, start : start + size] = np.asarray(large, np.float32) / 255
    light = np.linspace(1, _DARKEST, side, dtype=np.float32)
    picture = _PAPER * (1 - _INK * ink) * light + _GRAIN * rng.standard_normal((side, side), np.float32)
    grey: NDArray[np.uint8] = np.clip(picture, 0, 255).astype(np.uint8)
    return grey


def write_photographs(folder: Path, digit: NDArray[np.uint8], sides: list[int]) -> None:
    """Write each size as a grey array, and in colour, as photographs are, as PNG and JPEG."""
    for side in sides:
        grey = photograph(digit, side)
        np.save(folder / f"{side}.array.npy", grey)
        colour = Image.fromarray((grey[..., None] * _TINT).astype(np.uint8))
        colour.save(folder / f"{side}.png", compress_level=1)
        colour.save(folder / f"{side}.jpeg", quality=_QUALITY)


def read_photograph(folder: Path, source: str, side: int) -> NDArray[np.uint8] | bytes:
    """Return what `classify` takes: an array, or a file's bytes."""
    if source == "array":
        array: NDArray[np.uint8] = np.load(folder / f"{side}.array.npy")
        return array
    return (folder / f"{side}.{source}").read_bytes()
