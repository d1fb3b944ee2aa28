"""Which version of each TFLite operator a file needs.

The version fields of the file cannot be trusted: some converters write version 1 for per-channel Dense weights, and
tflite-runtime 2.14 then loads the file and answers 0.1 for all ten digits. So versions are derived from types and
quantization, by the rules of TensorFlow Lite itself (google-ai-edge/LiteRT, tflite/tools/versioning/op_version.cc and
tflite/converter/tools/versioning/op_signature.cc, read 2026-11 at commits 22f0209b and 6e59417f). Only operators of
image classifiers are listed.
"""

from __future__ import annotations

from collections.abc import Callable

from edgedigits_export.compat.op_signature import OpSignature
from edgedigits_export.compat.op_versions_weighted import (
    batch_matmul,
    conv_2d,
    depthwise_conv_2d,
    fully_connected,
    transpose_conv,
)


def _mul(op: OpSignature) -> int:
    dtype = op.dtype()
    quantized = [operand for operand in (*op.inputs, *op.outputs) if operand and operand.scales]
    if dtype in {"INT16", "INT8"} and len(quantized) == 3:
        left, right, product = (operand.scales[0] for operand in quantized)
        if dtype == "INT8" and product and left * right / product >= 1:
            return 3
    if dtype == "INT16":
        return 4 if quantized else 7
    return {"UINT32": 7, "COMPLEX64": 6, "INT64": 5, "INT8": 2}.get(dtype, 1)


def _add(op: OpSignature) -> int:
    if op.dtype() == "INT16":
        return 3 if op.inputs[0] and op.inputs[0].scales else 5
    return {"INT64": 4, "INT8": 2}.get(op.dtype(), 1)


def _sub(op: OpSignature) -> int:
    if op.dtype() in {"INT16", "INT64"}:
        return 5 if op.dtype() == "INT16" else 4
    return 3 if _broadcasts_beyond(op, 4) else 2 if op.dtype() == "INT8" else 1


def _div(op: OpSignature) -> int:
    return 2 if _broadcasts_beyond(op, 4) else 1


def _maximum(op: OpSignature) -> int:
    if op.dtype() == "INT16":
        return 4
    return 3 if _broadcasts_beyond(op, 4) else 2 if op.dtype() == "INT8" else 1


def _broadcasts_beyond(op: OpSignature, axes: int) -> bool:
    shapes = [operand.shape for operand in op.inputs[:2] if operand]
    return len(set(shapes)) > 1 and max(map(len, shapes)) > axes


def _quantize(op: OpSignature) -> int:
    output = op.outputs[0]
    if "INT4" in {op.dtype(), op.dtypes()[2]}:
        return 4
    if output and len(output.scales) > 1:
        return 3
    return 2 if op.dtypes()[2] == "INT16" else 1


def _dequantize(op: OpSignature) -> int:
    source = op.inputs[0]
    if op.dtype() == "INT8" and source and len(source.scales) > 1:
        return 5
    return {"INT4": 6, "INT16": 3, "FLOAT16": 3, "INT8": 2}.get(op.dtype(), 1)


def _cast(op: OpSignature) -> int:
    dtypes = {op.dtype(), op.dtypes()[2]}
    for version, named in ((7, {"BFLOAT16"}), (6, {"INT4"}), (5, {"FLOAT64", "FLOAT16"}), (4, {"UINT16"})):
        if dtypes & named:
            return version
    return 3 if "INT8" in dtypes else 2 if "UINT32" in dtypes else 1


def _pad(op: OpSignature) -> int:
    if op.inputs[0] and len(op.inputs[0].shape) > 4:
        return 4
    return {"BOOL": 5, "INT16": 3, "INT8": 2}.get(op.dtype(), 1)


def _transpose(op: OpSignature) -> int:
    rank = len(op.inputs[0].shape) if op.inputs[0] else 0
    if op.dtype() == "INT4" or rank > 5:
        return 7 if op.dtype() == "INT4" else 6
    return {"INT16": 5}.get(op.dtype(), 4 if rank > 4 else {"BOOL": 3, "INT8": 2}.get(op.dtype(), 1))


def _gather(op: OpSignature) -> int:
    if op.dtype() == "INT4" or op.dtype(1) == "INT16":
        return 7 if op.dtype() == "INT4" else 6
    return 5 if op.option("batchDims") else {"INT16": 4, "BOOL": 3, "INT8": 2}.get(op.dtype(), 1)


def _gather_nd(op: OpSignature) -> int:
    return 5 if op.dtype() == "BOOL" else 4 if op.dtype(1) == "INT16" else {"INT16": 3, "STRING": 2}.get(op.dtype(), 1)


def _slice(op: OpSignature) -> int:
    if op.dtype() == "UINT32" or op.rank() > 4:
        return 6 if op.dtype() == "UINT32" else 5
    return {"INT16": 4, "STRING": 3, "INT8": 2}.get(op.dtype(), 1)


def _strided_slice(op: OpSignature) -> int:
    if op.option("offset"):
        return 8
    if op.dtype() == "UINT32":
        return 7
    if op.option("ellipsisMask") or op.option("newAxisMask"):
        return 6
    return {"STRING": 5}.get(op.dtype(), 4 if op.rank() > 4 else {"BOOL": 3, "INT8": 2}.get(op.dtype(), 1))


def _resize(op: OpSignature) -> int:
    bilinear = op.name == "RESIZE_BILINEAR"
    moved = op.option("halfPixelCenters") or (op.option("alignCorners") and not bilinear)
    return 4 if op.dtype() == "INT16" else 3 if moved else 2 if op.dtype() == "INT8" else 1


def _space_batch(op: OpSignature) -> int:
    return 4 if op.dtype() == "INT16" else 3 if op.rank() != 4 else 2 if op.dtype() == "INT8" else 1


def _abs(op: OpSignature) -> int:
    if op.dtype() == "INT16":
        return 3 if op.inputs[0] and op.inputs[0].scales else 4
    return {"INT32": 5, "INT8": 2, "UINT8": 2}.get(op.dtype(), 1)


def _select(op: OpSignature) -> int:
    return 4 if op.dtype() == "UINT32" else 3 if 5 in map(op.rank, range(3)) else 2 if op.dtype() == "INT8" else 1


def _by_type(index: int = 0, default: int = 1, **versions: int) -> Callable[[OpSignature], int]:
    """Return a rule that looks at the type of one input only: ``versions`` maps types to versions."""
    return lambda op: versions.get(op.dtype(index), default)


_int8_int16 = _by_type(INT8=2, INT16=3)
_int8 = _by_type(INT8=2)
_one_version = _by_type()

RULES: dict[str, Callable[[OpSignature], int]] = {
    "ABS": _abs,
    "ADD": _add,
    "ARG_MAX": _by_type(BOOL=3, INT8=2),
    "ARG_MIN": _by_type(BOOL=3, INT8=2),
    "AVERAGE_POOL_2D": _int8_int16,
    "BATCH_MATMUL": batch_matmul,
    "BATCH_TO_SPACE_ND": _space_batch,
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
    "GREATER_EQUAL": _int8_int16,
    "L2_NORMALIZATION": _int8,
    "LEAKY_RELU": _by_type(INT16=2),
    "LESS": _int8_int16,
    "LESS_EQUAL": _int8,
    "LOG": _by_type(INT8=2, INT16=2),
    "LOGISTIC": _int8_int16,
    "LOG_SOFTMAX": _int8,
    "MAXIMUM": _maximum,
    "MAX_POOL_2D": _int8_int16,
    "MEAN": _int8_int16,
    "MINIMUM": _maximum,
    "MIRROR_PAD": _int8_int16,
    "MUL": _mul,
    "NOT_EQUAL": _by_type(STRING=3, INT8=2),
    "PACK": _by_type(INT8=2, INT16=3, UINT32=4),
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "REDUCE_MAX": _int8_int16,
    "REDUCE_MIN": _int8_int16,
    "REDUCE_PROD": _by_type(INT8=2, INT16=2),
    "RELU": _by_type(INT8=2, UINT8=2, INT16=3),
    "RELU6": _int8_int16,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "REVERSE_V2": _by_type(INT8=3, BOOL=2),
    "RSQRT": _int8_int16,
    "SELECT": _select,
    "SELECT_V2": _by_type(UINT32=2),
    "SIGN": _by_type(INT32=2),
    "SLICE": _slice,
    "SOFTMAX": _int8_int16,
    "SPACE_TO_BATCH_ND": _space_batch,
    "SPACE_TO_DEPTH": _int8,
    "SPLIT": _by_type(1, INT16=4, INT32=3, INT8=2),
    "SPLIT_V": _int8,
    "SQUARED_DIFFERENCE": _int8,
    "SQUEEZE": _by_type(STRING=2),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _sub,
    "SUM": _int8,
    "TANH": _int8_int16,
    "TILE": _by_type(INT8=3, STRING=2),
    "TOPK_V2": _int8_int16,
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": transpose_conv,
    "UNPACK": _by_type(INT8=2, UINT8=2, BOOL=3, INT16=4),
    # These operators have one version only.
    **dict.fromkeys(
        (
            *("CEIL", "COS", "CUMSUM", "ELU", "EXPAND_DIMS", "FLOOR", "HARD_SWISH", "LOCAL_RESPONSE_NORMALIZATION"),
            *("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "NEG", "ONE_HOT", "POW", "PRELU", "RANK", "REDUCE_ALL"),
            *("REDUCE_ANY", "RELU_0_TO_1", "RELU_N1_TO_1", "RESHAPE", "ROUND", "SHAPE", "SIN", "SQRT", "SQUARE"),
            "ZEROS_LIKE",
        ),
        _one_version,
    ),
}
