"""TensorFlow's converter to TFLite, set up as every precision needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.parts import Progress, in_parts
from edgedigits_export.lazy_imports import load

# Float activations with per-channel Dense weights need FULLY_CONNECTED 12, tflite-runtime 2.14 has 11.
DENSE_PER_TENSOR = "_experimental_disable_per_channel_quantization_for_dense_layers"


def converter_of(scores: Any) -> Any:
    """Return a converter of a function that is made of constants and operators alone."""
    converter = load("tensorflow").lite.TFLiteConverter.from_concrete_functions([scores])
    setattr(converter, DENSE_PER_TENSOR, True)

    def frozen() -> tuple[Any, Any, Any, Any]:
        return scores.graph.as_graph_def(), scores.inputs, scores.outputs, scores

    # It would make constants of the variables, of which there are none, and keep eight more copies of all weights.
    converter._freeze_concrete_function = frozen  # noqa: SLF001  there is no public way around it
    return converter


def samples_of(images: NDArray[np.uint8], progress: Progress) -> Callable[[], Iterator[list[NDArray[np.float32]]]]:
    """Return calibration images, uint8 ``[N, H, W, C]``, as the converter takes them."""

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for image in in_parts(images, 1, lambda done: progress(f"calibrating, {done}")):
            yield [image.astype(np.float32)]

    return samples
