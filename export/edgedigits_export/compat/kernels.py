"""Whether an engine has code for an operator on these types; its version does not tell.

`DIV` is version 1 on int8 as on float32, yet no tflite-runtime divides int8. What was tried in which release stands in
`targets.toml`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from edgedigits_export.compat.op_signature import Signature
from edgedigits_export.compat.releases import Since, since
from edgedigits_export.compat.targets import Kernels, known

# Where the pixels are, and the weights, in the inputs of operators that have weights.
_WEIGHTED = {
    "CONV_2D": (0, 1), "DEPTHWISE_CONV_2D": (0, 1), "FULLY_CONNECTED": (0, 1), "TRANSPOSE_CONV": (2, 1),
    "BATCH_MATMUL": (0, 1),
}  # fmt: skip
_CONVERTERS = frozenset({"CAST", "QUANTIZE"})
# Operators whose first input says where or whether, and another one what.
_DATA = {"SPLIT": 1, "FILL": 1, "SELECT": 1, "SELECT_V2": 1, "Where": 1}
_ONNX_PAIRS = {"ConvInteger": (0, 1), "MatMulInteger": (0, 1), "QLinearConv": (0, 3), "QLinearMatMul": (0, 3)}


def tflite_kind(op: Signature) -> str:
    """The types that an operator's kernel is chosen by: ``INT8``, ``FLOAT32>INT8``, ``FLOAT32*INT8/axis``.

    ``/axis``: one scale a slice; ``:INT32``: int16 activations with a short bias; ``:grouped``: fewer channels in the
    weights than in the pixels; ``:kept``: int16 pixels on three axes or more, which a Dense layer keeps.
    """
    if op.name in _WEIGHTED:
        pixels, weights = (op.inputs[index] if index < len(op.inputs) else None for index in _WEIGHTED[op.name])
        if pixels is None or weights is None:
            return ""
        axis = "/axis" if len(weights.scales) > 1 else ""
        short = pixels.kind == "INT16" and op.kind(3 if op.name == "TRANSPOSE_CONV" else 2) == "INT32"
        grouped = op.name == "CONV_2D" and pixels.shape[-1:] != weights.shape[-1:] and bool(pixels.shape)
        kept = op.name == "FULLY_CONNECTED" and pixels.kind == "INT16" and op.axes() > 2 and op.option("keepNumDims")
        special = ":grouped" if grouped else ":INT32" if short else ":kept" if kept else ""
        return f"{pixels.kind}*{weights.kind}{axis}{special}"
    if op.name in _CONVERTERS:
        return f"{op.kind()}>{op.kinds()[2]}"
    data = op.inputs[0] if op.inputs else None
    axis = "/axis" if op.name == "DEQUANTIZE" and data and len(data.scales) > 1 else ""
    return op.kind(_DATA.get(op.name, 0)) + axis


def tflite_kernel(operator: str, kind: str) -> Since | None:
    """When an operator's kernel for these types came, None where that was not tried."""
    return _find(known().kernels, (operator,), kind)


def computes_wrongly(operator: str, kind: str, at: Since) -> bool:
    """Whether a release that has no kernel for these types does not refuse them but computes wrongly."""
    came = known().wrong_from.get(operator, {}).get(kind)
    return came is not None and since(came) <= at


def onnx_kind(node: Any, types: Mapping[str, str], dequantized: Collection[str]) -> str:
    """The types that a node's kernel is chosen by; empty where they are not known.

    ``types`` are those of the graph's values, ``dequantized`` the values that come out of a DequantizeLinear:
    ``float:squared`` is one of them on both sides of an Add or a Mul.
    """
    if node.op_type in {"Add", "Mul"} and node.input[0] == node.input[1] and node.input[0] in dequantized:
        return "float:squared"
    names = [*node.input, *[""] * 4]
    if node.op_type in _ONNX_PAIRS:
        pair = [types.get(names[index], "") for index in _ONNX_PAIRS[node.op_type]]
        return "*".join(pair) if all(pair) else ""
    if node.op_type == "QuantizeLinear":
        return types.get(node.output[0], "")
    return types.get(names[_DATA.get(node.op_type, 0)], "")


def onnx_kernel(operator: str, version: int, kind: str) -> Since | None:
    """When onnxruntime's kernel of an operator, as this opset defines it, came; None where that was not tried."""
    return _find(known().onnx_kernels, (f"{operator} {version}", operator), kind)


def _find(kernels: Kernels, names: tuple[str, ...], kind: str) -> Since | None:
    for name in names:
        for when, kinds in kernels.get(name, {}).items():
            if kind in kinds:
                return since(when)
    return None
