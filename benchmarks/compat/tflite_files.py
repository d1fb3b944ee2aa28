"""TFLite files of one net, as TensorFlow's converter writes them and as edgedigits does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import PRECISIONS
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.lazy_imports import load, quiet

_PER_TENSOR_DENSE = "_experimental_disable_per_channel_quantization_for_dense_layers"
_CALIBRATED = {
    "int8": "TFLITE_BUILTINS_INT8",
    "int16x8": "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
}
# Nets whose files are also made in the rarer ways: three nets, so that a failure is not blamed on one net.
OWN = ("mlp", "lenet5", "cnn")


def tflite_files(name: str, model: Any, calibration: NDArray[np.uint8]) -> Iterator[tuple[str, bytes]]:
    """Yield every precision, with and without per-channel Dense, and rarer forms, each with how it was made."""
    yield "tf float32", _convert(_frozen(model), "float32", calibration)
    yield "tf float16", _convert(_frozen(model), "float16", calibration)
    for precision in ("dynamic-int8", *_CALIBRATED):
        yield f"tf {precision}", _convert(_frozen(model), precision, calibration)
        yield f"tf {precision} dense-per-tensor", _convert(_frozen(model), precision, calibration, per_tensor=True)
    yield "tf float32 free batch", _convert(_keras(model), "float32", calibration)
    if name not in OWN:
        return
    yield "tf int8 ends", _convert(_frozen(model), "int8", calibration, ends="int8")
    yield "tf uint8 ends", _convert(_frozen(model), "int8", calibration, ends="uint8")
    for precision in ("dynamic-int8", "int8"):
        yield f"tf {precision} free batch", _convert(_keras(model), precision, calibration)
    frozen = freeze(model)
    for precision in PRECISIONS:
        yield f"edgedigits {precision}", convert_tflite(frozen, precision, calibration)


def _frozen(model: Any) -> Any:
    """Return a converter for one image; variables become constants, because the converter loses Keras 3's."""
    tf = load("tensorflow")
    tools = load("tensorflow.python.framework.convert_to_constants")
    spec = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32, name="image")
    function = tf.function(lambda image: model(image, training=False)).get_concrete_function(spec)
    constant = tools.convert_variables_to_constants_v2(function)
    return tf.lite.TFLiteConverter.from_concrete_functions([constant])


def _keras(model: Any) -> Any:
    """Return the converter as tutorials use it, with a free batch."""
    return load("tensorflow").lite.TFLiteConverter.from_keras_model(model)


def _convert(
    converter: Any, precision: str, calibration: NDArray[np.uint8], *, per_tensor: bool = False, ends: str = ""
) -> bytes:
    tf = load("tensorflow")
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision in _CALIBRATED:
        converter.representative_dataset = lambda: ([image[None].astype(np.float32)] for image in calibration)
        # Float operators are allowed beside them, because some operators have no int16 kernel.
        kinds = [getattr(tf.lite.OpsSet, _CALIBRATED[precision]), tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.target_spec.supported_ops = kinds
    if per_tensor:
        setattr(converter, _PER_TENSOR_DENSE, True)
    if ends:
        converter.inference_input_type = converter.inference_output_type = getattr(tf, ends)
    with quiet():
        return bytes(converter.convert())
