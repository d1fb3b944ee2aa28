"""The versioned pipelines by id: from decoded pixels to what a model is fed, as far as no other model decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.convention import SIZE
from edgedigits.images.crop import crop
from edgedigits.images.resize import resize
from edgedigits.manifest import PipelineId


def channels_of(pipeline: PipelineId, shape: tuple[int, int, int]) -> int:
    """Return the channels in which a picture is decoded for a model of ``shape``; digits are found in grey."""
    return 1 if pipeline == "digit/2" else shape[-1]


def fit(crops: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return crops, uint8 ``[N, 28, 28]``, as a model of ``shape`` (height, width, channels) takes digits.

    A model of another size gets them scaled, one of colours gets the grey in each channel.
    """
    height, width, channels = shape
    images = crops[..., np.newaxis]
    if (height, width) != (SIZE, SIZE):
        images = np.stack([resize(image, height, width) for image in images])
    return images if channels == 1 else np.repeat(images, channels, axis=-1)


def model_input(pixels: NDArray[np.uint8], pipeline: PipelineId, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return the model input that decoded pixels, uint8 ``[H, W, C]``, come to without a locator.

    Of ``digit/2`` that is the crop of the whole picture, of ``contrast/1`` its local contrast.
    """
    from PIL import Image

    if pipeline == "digit/2":
        height, width = pixels.shape[:2]
        whole = crop(Image.fromarray(pixels[..., 0]), (0.0, 0.0, float(height), float(width)))
        return fit(whole[np.newaxis], shape).reshape(shape)
    if pipeline == "contrast/1":
        from edgedigits.images.contrast import local_contrast

        return local_contrast(pixels[..., 0])
    return resize(pixels, shape[0], shape[1])
