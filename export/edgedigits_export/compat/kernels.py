"""Which engine release has a kernel for an operator on these types; the operator's version does not tell.

`DIV` has version 1 on int8 as on float32, yet no tflite-runtime divides int8. What was tried in which release stands in
`targets.toml`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from edgedigits_export.compat.op_signature import OpSignature
from edgedigits_export.compat.releases import ReleasePoint, parse_point
from edgedigits_export.compat.targets import Kernels, known_targets

# The indices of the activations and the weights among the inputs of operators with weights.
_WEIGHTED = {
    "CONV_2D": (0, 1), "DEPTHWISE_CONV_2D": (0, 1), "FULLY_CONNECTED": (0, 1), "TRANSPOSE_CONV": (2, 1),
    "BATCH_MATMUL": (0, 1),
}  # fmt: skip
_CONVERTERS = frozenset({"CAST", "QUANTIZE"})
# The index of the input with the data, where the first one has an axis, a shape or a condition.
_DATA_INPUT = {"SPLIT": 1, "FILL": 1, "SELECT": 1, "SELECT_V2": 1, "Where": 1}
_ONNX_PAIRS = {"ConvInteger": (0, 1), "MatMulInteger": (0, 1), "QLinearConv": (0, 3), "QLinearMatMul": (0, 3)}


def tflite_kernel_types(op: OpSignature) -> str:
    """Return the types that a TFLite kernel is chosen by: ``INT8``, ``FLOAT32>INT8``, ``FLOAT32*INT8/axis``.

    ``/axis`` says that the weights have a scale for each channel; ``:INT32`` that int16 activations have an int32 bias;
    ``:grouped`` that the weights have fewer channels than the activations; ``:kept`` that a FULLY_CONNECTED on int16
    activations of three axes or more keeps these axes.
    """
    if op.name in _WEIGHTED:
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
    if op.name in _CONVERTERS:
        return f"{op.dtype()}>{op.dtypes()[2]}"
    data = op.inputs[0] if op.inputs else None
    axis = "/axis" if op.name == "DEQUANTIZE" and data and len(data.scales) > 1 else ""
    return op.dtype(_DATA_INPUT.get(op.name, 0)) + axis


def tflite_kernel_introduced_at(operator: str, types: str) -> ReleasePoint | None:
    """Return when an operator's kernel for these types was introduced, None where that was not tried."""
    return _find(known_targets().kernels, (operator,), types)


def computes_wrongly(operator: str, types: str, release: ReleasePoint) -> bool:
    """Return whether a release that has no kernel for these types does not refuse them but computes wrongly."""
    first = known_targets().wrong_from.get(operator, {}).get(types)
    return first is not None and parse_point(first) <= release


def onnx_kernel_types(node: Any, dtypes: Mapping[str, str], dequantized: Collection[str]) -> str:
    """Return the types that a kernel of onnxruntime is chosen by; an empty text where they are not known.

    ``dtypes`` are the element types of the graph's values, ``dequantized`` the outputs of DequantizeLinear nodes.
    ``float:squared`` is an Add or a Mul of one such output with itself.
    """
    if node.op_type in {"Add", "Mul"} and node.input[0] == node.input[1] and node.input[0] in dequantized:
        return "float:squared"
    names = [*node.input, *[""] * 4]
    if node.op_type in _ONNX_PAIRS:
        pair = [dtypes.get(names[index], "") for index in _ONNX_PAIRS[node.op_type]]
        return "*".join(pair) if all(pair) else ""
    if node.op_type == "QuantizeLinear":
        return dtypes.get(node.output[0], "")
    return dtypes.get(names[_DATA_INPUT.get(node.op_type, 0)], "")


def onnx_kernel_introduced_at(operator: str, version: int, types: str) -> ReleasePoint | None:
    """Return when onnxruntime's kernel for a version of an operator was introduced, None where that was not tried."""
    return _find(known_targets().onnx_kernels, (f"{operator} {version}", operator), types)


def _find(kernels: Kernels, names: tuple[str, ...], types: str) -> ReleasePoint | None:
    for name in names:
        for introduced, known_types in kernels.get(name, {}).items():
            if types in known_types:
                return parse_point(introduced)
    return None
