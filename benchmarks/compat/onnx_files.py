"""ONNX files of one net: opsets, IR versions, and every form of onnxruntime's quantization."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.onnx_int8 import quantize_onnx
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.lazy_imports import load, quiet

BASE = 13
# Written by tf2onnx itself; later ones by onnx's version converter.
OPSETS = range(14, 19)
LATER_OPSETS = range(19, 27)
IR_VERSIONS = (4, 5, 6, 8, 9, 10, 11, 12, 13)
IN_ALL_OPSETS = ("lenet5", "separable", "attentive")
IN_ALL_FORMS = ("mlp", "lenet5", "separable", "gates")

# format, activations, weights, per channel, opset
_STATIC = {
    "ort qdq uint8": ("QDQ", "QUInt8", "QUInt8", False, 13),
    "ort qdq uint8-int8": ("QDQ", "QUInt8", "QInt8", False, 13),
    "ort qdq int8 per-tensor": ("QDQ", "QInt8", "QInt8", False, 13),
    "ort qoperator uint8": ("QOperator", "QUInt8", "QUInt8", False, 13),
    "ort qoperator int8": ("QOperator", "QInt8", "QInt8", True, 13),
    "ort qdq int16": ("QDQ", "QInt16", "QInt8", False, 13),
    "ort qdq int16 opset 21": ("QDQ", "QInt16", "QInt8", False, 21),
    "ort qdq int4 opset 21": ("QDQ", "QInt8", "QInt4", False, 21),
}


def onnx_files(name: str, model: Any, calibration: NDArray[np.uint8]) -> Iterator[tuple[str, bytes]]:
    """Yield every file with a name that says how it was made."""
    onnx = load("onnx")
    frozen = freeze(model)
    base = convert_onnx(frozen, BASE)
    parsed = onnx.load_model_from_string(base)
    yield f"edgedigits float32 opset {BASE}", base
    yield f"edgedigits int8 opset {BASE}", quantize_onnx(base, calibration)
    if name in IN_ALL_OPSETS:
        for opset in OPSETS:
            yield f"edgedigits float32 opset {opset}", convert_onnx(frozen, opset)
        for opset in LATER_OPSETS:
            yield f"onnx float32 opset {opset}", at_opset(parsed, opset).SerializeToString()
        yield "edgedigits int8 opset 18", quantize_onnx(convert_onnx(frozen, 18), calibration)
    if name == IN_ALL_OPSETS[0]:
        for version in IR_VERSIONS:
            yield f"onnx float32 opset {BASE} IR {version}", with_ir(parsed, version)
    if name in IN_ALL_FORMS:
        yield "tf2onnx float32 opset 15", _by_tf2onnx(model, 15)
        yield "ort float16", _float16(base)
        for kind in ("QInt8", "QUInt8"):
            yield f"ort dynamic {kind}", _dynamic(parsed, kind)
        for how, (form, activations, weights, per_channel, opset) in _STATIC.items():
            source = parsed if opset == BASE else at_opset(parsed, opset)
            yield how, _static(source, calibration, form, activations, weights, per_channel=per_channel)


def at_opset(model: Any, opset: int) -> Any:
    """Return the model in another opset, with the smallest IR version that goes with it."""
    onnx = load("onnx")
    converted = onnx.version_converter.convert_version(model, opset)
    converted.ir_version = onnx.helper.find_min_ir_version_for(converted.opset_import)
    return converted


def with_ir(model: Any, version: int) -> bytes:
    """Return the file with another IR version."""
    other = load("onnx").ModelProto()
    other.CopyFrom(model)
    other.ir_version = version
    return bytes(other.SerializeToString())


def _by_tf2onnx(model: Any, opset: int) -> bytes:
    """Convert as tf2onnx's documentation does: the file declares unused opsets and the newest IR version."""
    tf = load("tensorflow")
    spec = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32, name="image")
    function = tf.function(lambda image: model(image, training=False))
    with quiet():
        proto, _ = load("tf2onnx").convert.from_function(function, input_signature=[spec], opset=opset)
    return bytes(proto.SerializeToString())


def _float16(data: bytes) -> bytes:
    onnx = load("onnx")
    convert = load("onnxruntime.transformers.float16").convert_float_to_float16
    model = onnx.load_model_from_string(data)
    with quiet():
        return bytes(convert(model, keep_io_types=True).SerializeToString())


def _dynamic(model: Any, kind: str) -> bytes:
    tools = load("onnxruntime.quantization")
    with quiet(), tempfile.TemporaryDirectory() as folder:
        source, target = _written(model, folder), Path(folder) / "quantized.onnx"
        tools.quantize_dynamic(source, target, weight_type=getattr(tools.QuantType, kind))
        return target.read_bytes()


def _static(
    model: Any, calibration: NDArray[np.uint8], form: str, activations: str, weights: str, *, per_channel: bool
) -> bytes:
    tools = load("onnxruntime.quantization")
    with quiet(), tempfile.TemporaryDirectory() as folder:
        source, target = _written(model, folder), Path(folder) / "quantized.onnx"
        tools.quantize_static(
            source,
            target,
            _reader(tools, calibration),
            quant_format=getattr(tools.QuantFormat, form),
            activation_type=getattr(tools.QuantType, activations),
            weight_type=getattr(tools.QuantType, weights),
            per_channel=per_channel,
        )
        return target.read_bytes()


def _written(model: Any, folder: str) -> Path:
    source = Path(folder) / "source.onnx"
    source.write_bytes(model.SerializeToString())
    return source


def _reader(tools: Any, calibration: NDArray[np.uint8]) -> Any:
    class Reader(tools.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._images = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            image = next(self._images, None)
            return None if image is None else {"image": image[None]}

    return Reader()
