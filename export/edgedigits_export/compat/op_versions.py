"""Which version of a TFLite operator a file really needs.

The file's own version fields cannot be trusted: converters exist that write version 1 over per-channel Dense weights,
and tflite-runtime 2.14 then loads the file and answers 0.1 for all ten digits. So versions follow from types and
quantization, by the rules of TensorFlow Lite itself (google-ai-edge/LiteRT, tflite/tools/versioning/op_version.cc and
tflite/converter/tools/versioning/op_signature.cc, read 2026-11 at commits 22f0209b and 6e59417f). Only operators of
image classifiers are listed.
"""

from __future__ import annotations

from collections.abc import Callable

from edgedigits_export.compat.op_signature import Signature
from edgedigits_export.compat.op_versions_weighted import (
    batch_matmul,
    conv_2d,
    depthwise_conv_2d,
    fully_connected,
    transpose_conv,
)


def _mul(op: Signature) -> int:
    kind = op.kind()
    quantized = [operand for operand in (*op.inputs, *op.outputs) if operand and operand.scales]
    if kind in {"INT16", "INT8"} and len(quantized) == 3:
        left, right, product = (operand.scales[0] for operand in quantized)
        if kind == "INT8" and product and left * right / product >= 1:
            return 3
    if kind == "INT16":
        return 4 if quantized else 7
    return {"UINT32": 7, "COMPLEX64": 6, "INT64": 5, "INT8": 2}.get(kind, 1)


def _add(op: Signature) -> int:
    if op.kind() == "INT16":
        return 3 if op.inputs[0] and op.inputs[0].scales else 5
    return {"INT64": 4, "INT8": 2}.get(op.kind(), 1)


def _sub(op: Signature) -> int:
    if op.kind() in {"INT16", "INT64"}:
        return 5 if op.kind() == "INT16" else 4
    return 3 if _broadcasts_beyond(op, 4) else 2 if op.kind() == "INT8" else 1


def _div(op: Signature) -> int:
    return 2 if _broadcasts_beyond(op, 4) else 1


def _maximum(op: Signature) -> int:
    if op.kind() == "INT16":
        return 4
    return 3 if _broadcasts_beyond(op, 4) else 2 if op.kind() == "INT8" else 1


def _broadcasts_beyond(op: Signature, axes: int) -> bool:
    shapes = [operand.shape for operand in op.inputs[:2] if operand]
    return len(set(shapes)) > 1 and max(map(len, shapes)) > axes


def _quantize(op: Signature) -> int:
    output = op.outputs[0]
    if "INT4" in {op.kind(), op.kinds()[2]}:
        return 4
    if output and len(output.scales) > 1:
        return 3
    return 2 if op.kinds()[2] == "INT16" else 1


def _dequantize(op: Signature) -> int:
    source = op.inputs[0]
    if op.kind() == "INT8" and source and len(source.scales) > 1:
        return 5
    return {"INT4": 6, "INT16": 3, "FLOAT16": 3, "INT8": 2}.get(op.kind(), 1)


def _cast(op: Signature) -> int:
    kinds = {op.kind(), op.kinds()[2]}
    for version, named in ((7, {"BFLOAT16"}), (6, {"INT4"}), (5, {"FLOAT64", "FLOAT16"}), (4, {"UINT16"})):
        if kinds & named:
            return version
    return 3 if "INT8" in kinds else 2 if "UINT32" in kinds else 1


def _pad(op: Signature) -> int:
    if op.inputs[0] and len(op.inputs[0].shape) > 4:
        return 4
    return {"BOOL": 5, "INT16": 3, "INT8": 2}.get(op.kind(), 1)


def _transpose(op: Signature) -> int:
    axes = len(op.inputs[0].shape) if op.inputs[0] else 0
    if op.kind() == "INT4" or axes > 5:
        return 7 if op.kind() == "INT4" else 6
    return {"INT16": 5}.get(op.kind(), 4 if axes > 4 else {"BOOL": 3, "INT8": 2}.get(op.kind(), 1))


def _gather(op: Signature) -> int:
    if op.kind() == "INT4" or op.kind(1) == "INT16":
        return 7 if op.kind() == "INT4" else 6
    return 5 if op.option("batchDims") else {"INT16": 4, "BOOL": 3, "INT8": 2}.get(op.kind(), 1)


def _gather_nd(op: Signature) -> int:
    return 5 if op.kind() == "BOOL" else 4 if op.kind(1) == "INT16" else {"INT16": 3, "STRING": 2}.get(op.kind(), 1)


def _slice(op: Signature) -> int:
    if op.kind() == "UINT32" or op.axes() > 4:
        return 6 if op.kind() == "UINT32" else 5
    return {"INT16": 4, "STRING": 3, "INT8": 2}.get(op.kind(), 1)


def _strided_slice(op: Signature) -> int:
    if op.option("offset"):
        return 8
    if op.kind() == "UINT32":
        return 7
    if op.option("ellipsisMask") or op.option("newAxisMask"):
        return 6
    return {"STRING": 5}.get(op.kind(), 4 if op.axes() > 4 else {"BOOL": 3, "INT8": 2}.get(op.kind(), 1))


def _resize(op: Signature) -> int:
    bilinear = op.name == "RESIZE_BILINEAR"
    moved = op.option("halfPixelCenters") or (op.option("alignCorners") and not bilinear)
    return 4 if op.kind() == "INT16" else 3 if moved else 2 if op.kind() == "INT8" else 1


def _batches(op: Signature) -> int:
    return 4 if op.kind() == "INT16" else 3 if op.axes() != 4 else 2 if op.kind() == "INT8" else 1


def _abs(op: Signature) -> int:
    if op.kind() == "INT16":
        return 3 if op.inputs[0] and op.inputs[0].scales else 4
    return {"INT32": 5, "INT8": 2, "UINT8": 2}.get(op.kind(), 1)


def _select(op: Signature) -> int:
    return 4 if op.kind() == "UINT32" else 3 if 5 in map(op.axes, range(3)) else 2 if op.kind() == "INT8" else 1


def _by_type(index: int = 0, default: int = 1, **versions: int) -> Callable[[Signature], int]:
    """A rule that looks at the type of one input alone."""
    return lambda op: versions.get(op.kind(index), default)


_integer = _by_type(INT8=2, INT16=3)
_int8 = _by_type(INT8=2)
_one = _by_type()

RULES: dict[str, Callable[[Signature], int]] = {
    "ABS": _abs,
    "ADD": _add,
    "ARG_MAX": _by_type(BOOL=3, INT8=2),
    "ARG_MIN": _by_type(BOOL=3, INT8=2),
    "AVERAGE_POOL_2D": _integer,
    "BATCH_MATMUL": batch_matmul,
    "BATCH_TO_SPACE_ND": _batches,
    "BROADCAST_TO": _by_type(INT8=3, INT16=3, default=2),
    "CAST": _cast,
    "CONCATENATION": _by_type(INT8=2, INT16=3, UINT32=4),
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "DEPTH_TO_SPACE": _int8,
    "DEQUANTIZE": _dequantize,
    "DIV": _div,
    "EQUAL": _by_type(INT16=4, STRING=3, INT8=2),
    "EXP": _by_type(INT8=2, INT16=2),
    "FILL": _by_type(1, FLOAT16=4, INT8=3, INT16=3, BOOL=2, STRING=2),
    "FLOOR_DIV": _by_type(INT16=3, INT8=3, FLOAT32=2),
    "FULLY_CONNECTED": fully_connected,
    "FLOOR_MOD": _by_type(INT16=2, INT8=2),
    "GATHER": _gather,
    "GATHER_ND": _gather_nd,
    "GELU": _by_type(INT8=2, UINT8=2),
    "GREATER": _int8,
    "GREATER_EQUAL": _integer,
    "L2_NORMALIZATION": _int8,
    "LEAKY_RELU": _by_type(INT16=2),
    "LESS": _integer,
    "LESS_EQUAL": _int8,
    "LOG": _by_type(INT8=2, INT16=2),
    "LOGISTIC": _integer,
    "LOG_SOFTMAX": _int8,
    "MAXIMUM": _maximum,
    "MAX_POOL_2D": _integer,
    "MEAN": _integer,
    "MINIMUM": _maximum,
    "MIRROR_PAD": _integer,
    "MUL": _mul,
    "NOT_EQUAL": _by_type(STRING=3, INT8=2),
    "PACK": _by_type(INT8=2, INT16=3, UINT32=4),
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "REDUCE_MAX": _integer,
    "REDUCE_MIN": _integer,
    "REDUCE_PROD": _by_type(INT8=2, INT16=2),
    "RELU": _by_type(INT8=2, UINT8=2, INT16=3),
    "RELU6": _integer,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "REVERSE_V2": _by_type(INT8=3, BOOL=2),
    "RSQRT": _integer,
    "SELECT": _select,
    "SELECT_V2": _by_type(UINT32=2),
    "SIGN": _by_type(INT32=2),
    "SLICE": _slice,
    "SOFTMAX": _integer,
    "SPACE_TO_BATCH_ND": _batches,
    "SPACE_TO_DEPTH": _int8,
    "SPLIT": _by_type(1, INT16=4, INT32=3, INT8=2),
    "SPLIT_V": _int8,
    "SQUARED_DIFFERENCE": _int8,
    "SQUEEZE": _by_type(STRING=2),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _sub,
    "SUM": _int8,
    "TANH": _integer,
    "TILE": _by_type(INT8=3, STRING=2),
    "TOPK_V2": _integer,
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": transpose_conv,
    "UNPACK": _by_type(INT8=2, UINT8=2, BOOL=3, INT16=4),
    # Of these there is one version alone.
    **dict.fromkeys(
        (
            *("CEIL", "COS", "CUMSUM", "ELU", "EXPAND_DIMS", "FLOOR", "HARD_SWISH", "LOCAL_RESPONSE_NORMALIZATION"),
            *("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "NEG", "ONE_HOT", "POW", "PRELU", "RANK", "REDUCE_ALL"),
            *("REDUCE_ANY", "RELU_0_TO_1", "RELU_N1_TO_1", "RESHAPE", "ROUND", "SHAPE", "SIN", "SQRT", "SQUARE"),
            "ZEROS_LIKE",
        ),
        _one,
    ),
}
