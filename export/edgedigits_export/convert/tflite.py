"""Convert to TFLite with the TensorFlow converter, in any precision, with the contract.

The converter gets only the model from float32 pixels to class scores. The cast before it and the softmax after it are
added to the converted file, so that both stay outside quantization, in every precision, with any model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.manifest import PRECISIONS
from edgedigits.parts import Progress, silent
from edgedigits_export.convert.recipe import WHOLE
from edgedigits_export.convert.stored_model import Convertible
from edgedigits_export.convert.tflite_converter import converter_of, samples_of
from edgedigits_export.convert.tflite_graph import add_contract
from edgedigits_export.convert.tflite_int8 import TfliteQuantizer
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.lazy_imports import load, quiet

_INT16 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"


def convert_tflite(
    frozen: Convertible, precision: str, calibration: NDArray[np.uint8], progress: Progress = silent
) -> bytes:
    """Return a TFLite file from ``image`` uint8 ``[1, H, W, C]`` to ``probabilities`` float32 ``[1, classes]``.

    ``precision`` is float32, float16 (weights), dynamic-int8 (weights), int8 or int16x8 (int16 activations, int8
    weights). ``calibration``, uint8 ``[N, H, W, C]``, sets the ranges of the last two; ``progress`` is told how many
    are done. The same input always gives the same bytes.

    Raises
    ------
    UsageError: the precision is unknown, calibration images are needed and missing, or the converter cannot express a
        layer with TFLite's own operators.

    """
    if precision not in PRECISIONS:
        raise UsageError(f"expected a precision out of {', '.join(PRECISIONS)}, found {precision!r}")
    if precision == "int8":
        return TfliteQuantizer(frozen, calibration, progress=progress).quantize(WHOLE)
    if precision == "int16x8" and not len(calibration):
        raise UsageError(f"{precision} needs calibration images, found none; name them with --calibration")
    tf = load("tensorflow")
    scores, needs_softmax = frozen.scores_function()
    try:
        with quiet():
            converter = converter_of(scores)
            _configure(precision, tf, converter, samples_of(calibration, progress))
            converted = bytes(converter.convert())
    # The converter's errors share no base narrower than Exception.
    except Exception as error:
        reason = decisive_sentence(error)
        raise UsageError(f"the model cannot be converted to TFLite {precision}: {reason}") from error
    return add_contract(converted, needs_softmax=needs_softmax, any_size=frozen.any_size)


def _configure(precision: str, tf: Any, converter: Any, samples: Callable[[], object]) -> None:
    """Set the converter's options for a precision; float32 needs none."""
    if precision == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int16x8":
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [getattr(tf.lite.OpsSet, _INT16)]
