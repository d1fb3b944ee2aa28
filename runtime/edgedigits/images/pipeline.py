"""The versioned pipelines by id: from decoded pixels to exactly what a model is fed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.normalise import SIZE, normalise
from edgedigits.images.resize import resize
from edgedigits.manifest import PipelineId


def pipeline_for(shape: tuple[int, int, int]) -> PipelineId:
    """The pipeline of a model with this input, height, width and channels: MNIST's own size means digits."""
    return "digit/1" if shape == (SIZE, SIZE, 1) else "resize/1"


def prepare(
    pixels: NDArray[np.uint8], pipeline: PipelineId, shape: tuple[int, int, int], *, mnist: bool = False
) -> tuple[NDArray[np.uint8], str | None]:
    """Decoded pixels uint8 ``[H, W, C]`` as the model's ``shape``, and why there is nothing to infer from, or None.

    ``mnist`` says that a 28x28 image follows MNIST's convention, see `normalise`.
    """
    if pipeline == "digit/1":
        result = normalise(pixels[..., 0], mnist=mnist)
        return result.image[..., np.newaxis], result.rejected
    return resize(pixels, shape[0], shape[1]), None
