"""The versioned pipelines by id: from decoded pixels to exactly what a model is fed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.convention import SIZE, pass_through
from edgedigits.images.normalised import Normalised
from edgedigits.manifest import PipelineId


def pipeline_for(shape: tuple[int, int, int]) -> PipelineId:
    """The pipeline of a model with this input, height, width and channels: MNIST's own size means digits."""
    return "digit/1" if shape == (SIZE, SIZE, 1) else "resize/1"


def preprocess(
    pixels: NDArray[np.uint8], pipeline: PipelineId, shape: tuple[int, int, int], *, mnist: bool = False
) -> Normalised:
    """Decoded pixels uint8 ``[H, W, C]`` as the model's ``shape``, or why there is nothing to infer from.

    ``mnist`` says that a 28x28 image follows MNIST's convention, see `normalise`.
    """
    if pipeline == "digit/1":
        grey = pixels[..., 0]
        if (ready := pass_through(grey, mnist=mnist)) is not None:
            return ready
        from edgedigits.images.normalise import normalise  # 10 ms that ready digits need not wait for

        return normalise(grey, mnist=mnist)
    from edgedigits.images.resize import resize

    fed = resize(pixels, shape[0], shape[1])
    return Normalised(fed, None, passed_through=fed is pixels)
