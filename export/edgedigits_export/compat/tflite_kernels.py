"""Which release of a TFLite engine has a kernel for an operator on these types; the operator's version does not tell.

`DIV` has version 1 on int8 as on float32, yet no tflite-runtime divides int8. What was tried in which release stands in
`tflite.toml`.
"""

from __future__ import annotations

from edgedigits_export.compat.op_signature import OpSignature
from edgedigits_export.compat.releases import ReleasePoint, parse_point
from edgedigits_export.compat.tflite_tables import tflite_tables

# The indices of the activations and the weights among the inputs of operators with weights.
_WEIGHTED = {
    "BATCH_MATMUL": (0, 1),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (0, 2),
    "BIDIRECTIONAL_SEQUENCE_RNN": (0, 1),
    "CONV_2D": (0, 1),
    "DEPTHWISE_CONV_2D": (0, 1),
    "FULLY_CONNECTED": (0, 1),
    "LSTM": (0, 2),
    "RNN": (0, 1),
    "SVDF": (0, 1),
    "TRANSPOSE_CONV": (2, 1),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (0, 2),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (0, 1),
}
# The index of the input with the data, where the first one has an axis, a shape, indices or a condition.
_DATA_INPUT = {
    "ASSIGN_VARIABLE": 1,
    "CONV_3D_TRANSPOSE": 2,
    "EMBEDDING_LOOKUP": 1,
    "EMBEDDING_LOOKUP_SPARSE": 4,
    "FILL": 1,
    "HASHTABLE_LOOKUP": 2,
    "SCATTER_ND": 1,
    "SELECT": 1,
    "SELECT_V2": 1,
    "SPARSE_TO_DENSE": 2,
    "SPLIT": 1,
}
# From one type to another.
_CONVERTERS = frozenset({"BITCAST", "CAST", "EMBEDDING_LOOKUP", "QUANTIZE"})
# Known by the type of their result, and by none at all.
_SOURCES = frozenset({"MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "READ_VARIABLE"})
_UNTYPED = frozenset({"CALL_ONCE", "IF", "STABLEHLO_COMPOSITE", "VAR_HANDLE", "WHILE"})
ANY = "any"


def tflite_kernel_types(op: OpSignature) -> str:
    """Return the types that a TFLite kernel is chosen by: ``INT8``, ``FLOAT32>INT8``, ``FLOAT32*INT8/axis``.

    ``/axis`` says that the weights have a scale for each channel; ``:INT32`` that int16 activations have an int32 bias;
    ``:grouped`` that the weights have fewer channels than the activations; ``:kept`` that a FULLY_CONNECTED on int16
    activations of three axes or more keeps these axes; ``any`` that the operator has no types of its own.
    """
    if op.name in _WEIGHTED:
        return _weighted_types(op)
    if op.name in _UNTYPED:
        return ANY
    if op.name in _SOURCES:
        return op.dtypes()[2]
    index = _DATA_INPUT.get(op.name, 0)
    data = op.inputs[index] if index < len(op.inputs) else None
    axis = "/axis" if op.name in {"DEQUANTIZE", "EMBEDDING_LOOKUP"} and data and len(data.scales) > 1 else ""
    target = f">{op.dtypes()[2]}" if op.name in _CONVERTERS else ""
    indices = "*INT64" if op.name == "DYNAMIC_UPDATE_SLICE" and op.dtype(2) == "INT64" else ""
    return f"{op.dtype(index)}{axis}{target}{indices}"


def _weighted_types(op: OpSignature) -> str:
    activations, weights = (op.inputs[index] if index < len(op.inputs) else None for index in _WEIGHTED[op.name])
    if activations is None or weights is None:
        return ""
    axis = "/axis" if len(weights.scales) > 1 else ""
    int16 = activations.dtype == "INT16"
    int32_bias = int16 and op.dtype(3 if op.name == "TRANSPOSE_CONV" else 2) == "INT32"
    grouped = op.name == "CONV_2D" and activations.shape[-1:] != weights.shape[-1:] and bool(activations.shape)
    kept = op.name == "FULLY_CONNECTED" and int16 and op.rank() > 2 and op.option("keepNumDims")
    special = ":grouped" if grouped else ":INT32" if int32_bias else ":kept" if kept else ""
    return f"{activations.dtype}*{weights.dtype}{axis}{special}"


def tflite_kernel_introduced_at(operator: str, types: str) -> ReleasePoint | None:
    """Return when an operator's kernel for these types was introduced, None where that was not tried."""
    for introduced, known_types in tflite_tables().kernels.get(operator, {}).items():
        if types in known_types or "*" in known_types:
            return parse_point(introduced)
    return None


def computes_wrongly(operator: str, types: str, release: ReleasePoint) -> bool:
    """Return whether a release that has no kernel for these types does not refuse them but computes wrongly."""
    first = tflite_tables().wrong_from.get(operator, {}).get(types)
    return first is not None and parse_point(first) <= release
