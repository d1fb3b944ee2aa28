"""Which precision a finished file has, told by its weights and by what passes between its layers."""

from __future__ import annotations

from typing import Any

from edgedigits.manifest import Format, Precision
from edgedigits_export.lazy_imports import load

_DYNAMIC = frozenset({"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"})
_STATIC = frozenset({"QuantizeLinear", "QLinearConv", "QLinearMatMul", "DequantizeLinear"})
# Operators with weights; their first input tells in what they compute.
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def precision_of(data: bytes, format_: Format) -> Precision:
    """Return the precision of a .tflite or .onnx file that its engine has loaded."""
    return _of_tflite(data) if format_ == "tflite" else _of_onnx(data)


def _of_tflite(data: bytes) -> Precision:
    schema = load("ai_edge_litert.schema_py_generated", "check")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    types = schema.TensorType
    weighted = {getattr(schema.BuiltinOperator, name) for name in _WEIGHTED}
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    computed = {
        graph.tensors[operator.inputs[0]].type
        for graph in model.subgraphs
        for operator in graph.operators
        if codes[operator.opcodeIndex] in weighted
    }
    constant = {
        tensor.type for graph in model.subgraphs for tensor in graph.tensors if _has_data(model.buffers[tensor.buffer])
    }
    if types.INT16 in computed:
        return "int16x8"
    if computed & {types.INT8, types.UINT8}:
        return "int8"
    if constant & {types.INT8, types.UINT8}:
        return "dynamic-int8"
    return "float16" if types.FLOAT16 in constant else "float32"


def _has_data(buffer: Any) -> bool:
    return buffer.data is not None and len(buffer.data) > 0


def _of_onnx(data: bytes) -> Precision:
    onnx = load("onnx")
    graph = onnx.load_model_from_string(data).graph
    operators = {node.op_type for node in graph.node}
    if operators & _DYNAMIC:
        return "dynamic-int8"
    if operators & _STATIC:
        return "int8"
    halves = any(entry.data_type == onnx.TensorProto.FLOAT16 for entry in graph.initializer)
    return "float16" if halves else "float32"
