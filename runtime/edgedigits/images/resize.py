"""Pipeline ``resize/1``: bring any picture to a model's size, nothing else."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale uint8 ``[H, W, C]`` (C is 1 or 3) to ``[height, width, C]``, anti-aliased; the same size is untouched."""
    if pixels.shape[:2] == (height, width):
        return pixels
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)
