"""The versioned pipelines by id: from decoded pixels to what a model is fed, as far as no other model decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.convention import SIZE
from edgedigits.images.crop import crop
from edgedigits.manifest import PipelineId


def pipeline_for(shape: tuple[int, int, int], labels: Sequence[str]) -> PipelineId:
    """Return the pipeline of a classifier with this input (height, width, channels) and these labels."""
    is_digits = shape == (SIZE, SIZE, 1) and tuple(labels) == tuple("0123456789")
    return "digit/2" if is_digits else "resize/1"


def model_input(pixels: NDArray[np.uint8], pipeline: PipelineId, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return the model input that decoded pixels, uint8 ``[H, W, C]``, come to without a locator.

    Of ``digit/2`` that is the crop of the whole picture, of ``contrast/1`` its local contrast.
    """
    from PIL import Image

    if pipeline == "digit/2":
        height, width = pixels.shape[:2]
        return crop(Image.fromarray(pixels[..., 0]), (0.0, 0.0, float(height), float(width)))
    if pipeline == "contrast/1":
        from edgedigits.images.contrast import local_contrast

        return local_contrast(pixels[..., 0])
    from edgedigits.images.resize import resize

    return resize(pixels, shape[0], shape[1])
