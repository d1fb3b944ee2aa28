"""Convert to ONNX: float32 by tf2onnx, static int8 (QDQ) by onnxruntime's quantizer, both with the contract."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import BundleError, UsageError
from edgedigits_export.convert import onnx_graph
from edgedigits_export.convert.stored_model import Convertible
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.frozen import INPUT_NAME, OUTPUT_NAME
from edgedigits_export.lazy_imports import load, quiet

DEFAULT_OPSET = 13  # IR 7: what onnxruntime 1.6 already ran; nothing a small classifier needs came later
_OPSETS = range(13, 19)  # tf2onnx 1.17 stops at 18; before 13 there are no per-channel QuantizeLinear weights


def convert_onnx(frozen: Convertible, opset: int = DEFAULT_OPSET) -> bytes:
    """Return an ONNX file from ``image`` uint8 ``[N, H, W, C]`` to ``probabilities`` float32 ``[N, classes]``, N free.

    The same model always gives the same bytes.

    Raises
    ------
    UsageError: the opset is not between 13 and 18, or tf2onnx cannot express a layer.

    """
    require_opset(opset)
    function = frozen.concrete_function(None)
    tf2onnx = load("tf2onnx")
    try:
        with quiet():
            model, _ = tf2onnx.convert.from_graph_def(
                function.graph.as_graph_def(),
                input_names=[f"{INPUT_NAME}:0"],
                output_names=[f"{OUTPUT_NAME}:0"],
                opset=opset,
            )
            onnx_graph.replace_erfc(model)
            load("onnx").checker.check_model(model)
    # tf2onnx raises what its rewriters raise, or leaves operators that ONNX has not.
    except Exception as error:
        raise UsageError(f"the model cannot be converted to ONNX opset {opset}: {decisive_sentence(error)}") from error
    onnx_graph.fix_reshapes(model, frozen.input_shape)
    onnx_graph.keep_used_opsets(model, opset)
    if frozen.any_size:
        onnx_graph.free_size(model)
    return _serialized(model)


def require_opset(opset: int) -> None:
    """Refuse an opset that the converter does not write.

    Raises
    ------
    UsageError: it is not between 13 and 18.

    """
    if opset not in _OPSETS:
        raise UsageError(f"--opset: expected {_OPSETS.start} to {_OPSETS.stop - 1}, found {opset}")


def quantize_onnx(float32: bytes, calibration: NDArray[np.uint8]) -> bytes:
    """Return the int8 form of a float32 ONNX file of `convert_onnx`, with the same opset and contract.

    Weights are int8 with one scale for each channel, activations int8 with the range seen on ``calibration``, uint8
    ``[N, H, W, C]``. The operators before the first weights (cast, scaling) and the softmax stay float32.

    Raises
    ------
    UsageError: there are no calibration images, or onnxruntime cannot quantize the model.

    """
    if not len(calibration):
        raise UsageError("int8 needs calibration images, found none; name them with --calibration")
    quantization = load("onnxruntime.quantization")
    source = _parse(float32)
    opset = onnx_graph.opset(source)
    ir_version = source.ir_version
    try:
        # Files and not objects: quant_pre_process moves the weights of a model given as an object to external data.
        with quiet(), tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            given, prepared, quantized = (Path(folder) / name for name in ("given", "prepared", "quantized"))
            given.write_bytes(float32)
            quantization.quant_pre_process(given, prepared, skip_symbolic_shape=True)
            quantization.quantize_static(
                prepared,
                quantized,
                _reader(quantization, calibration),
                quant_format=quantization.QuantFormat.QDQ,
                activation_type=quantization.QuantType.QInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                # Weights of 7 bits: with 8, x86 processors without VNNI add pairs of products in 16 bits, which
                # overflow silently (7 of 1,000 digits got another class than on other machines; now none).
                reduce_range=True,
                nodes_to_exclude=onnx_graph.float_nodes(_parse(prepared.read_bytes())),
            )
            model = _parse(quantized.read_bytes())
    # onnxruntime's Python errors share no base narrower than Exception.
    except Exception as error:
        raise UsageError(f"the model cannot be quantized by onnxruntime: {decisive_sentence(error)}") from error
    model.ir_version = ir_version
    onnx_graph.keep_used_opsets(model, opset)
    return _serialized(model)


def annotate_onnx(data: bytes, properties: Mapping[str, str]) -> bytes:
    """Return an ONNX file with these ``metadata_props`` (labels, contract), sorted by key, in place of its own.

    Raises
    ------
    BundleError: the bytes are not an ONNX file.

    """
    model = _parse(data)
    del model.metadata_props[:]
    for key in sorted(properties):
        model.metadata_props.add(key=key, value=properties[key])
    return cast("bytes", model.SerializeToString(deterministic=True))


def _serialized(model: Any) -> bytes:
    """Give the contract's names and origin to a model, let onnx check it, and return its bytes."""
    onnx_graph.rename(model, INPUT_NAME, OUTPUT_NAME)
    model.producer_name, model.producer_version, model.doc_string = "edgedigits", "", ""
    del model.metadata_props[:]
    load("onnx").checker.check_model(model, full_check=True)
    return cast("bytes", model.SerializeToString(deterministic=True))


def _parse(data: bytes) -> Any:
    onnx = load("onnx")
    try:
        return onnx.load_model_from_string(data)
    except (load("google.protobuf.message").DecodeError, ValueError) as error:
        raise BundleError(
            f"expected an ONNX file, found other or truncated bytes ({decisive_sentence(error)})"
        ) from error


def _reader(quantization: Any, calibration: NDArray[np.uint8]) -> Any:
    """Return onnxruntime's reader of calibration data, which gives one image at a time."""

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._images: Iterator[NDArray[np.uint8]] = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            image = next(self._images, None)
            return None if image is None else {INPUT_NAME: image[np.newaxis]}

    return Reader()
