"""Pipeline ``resize/1``: bring any picture to a model's size, nothing else."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.decode import read_pixels


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale uint8 ``[H, W, C]`` (C is 1 or 3) to ``[height, width, C]``, anti-aliased; the same size is untouched."""
    if pixels.shape[:2] == (height, width):
        return pixels
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)


def read_resized(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return an image file as a model of ``shape`` (height, width, channels) is fed it: uint8 of that shape.

    Raises
    ------
    ImageError: the file cannot be read (see `read_picture`).

    """
    height, width, channels = shape
    return resize(read_pixels(path, channels), height, width)
