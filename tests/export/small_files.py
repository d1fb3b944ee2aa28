"""Model files of one operator, for what is judged by operators and types alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from onnx import TensorProto, helper

_SHAPE = [1, 4]


def tflite(operator: str, kind: str, declared: int = 1, weights: str = "", scales: int = 1) -> bytes:
    """A file with one operator on [1, 4], or a Dense layer from 4 to 4 with weights of a type."""
    model, graph, code, use = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []

    def tensor(kind: str, shape: list[int], values: Any = None, scales: int = 1) -> int:
        made = schema.TensorT()
        made.type, made.shape, made.name = getattr(schema.TensorType, kind), shape, b"tensor"
        made.quantization, made.buffer = schema.QuantizationParametersT(), 0
        if kind.startswith(("INT", "UINT")) and "32" not in kind:
            made.quantization.scale = np.linspace(0.01, 0.02, scales).astype(np.float32)
            made.quantization.zeroPoint = np.zeros(scales, np.int64)
        if values is not None:
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(values.tobytes(), np.uint8)
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), declared
    use.inputs = [tensor(kind, _SHAPE)]
    if weights:
        bias = "FLOAT32" if kind == "FLOAT32" else "INT32"
        use.inputs += [tensor(weights, [4, 4], np.arange(16, dtype=np.int8), scales)]
        use.inputs += [tensor(bias, [4], np.zeros(4, np.float32))]
        use.builtinOptionsType, use.builtinOptions = schema.BuiltinOptions.FullyConnectedOptions, (
            schema.FullyConnectedOptionsT()
        )  # fmt: skip
        use.builtinOptions.asymmetricQuantizeInputs = kind == "FLOAT32"
    elif operator in {"DIV", "SQUARED_DIFFERENCE"}:
        use.inputs.append(tensor(kind, _SHAPE))
    use.outputs = [tensor(kind, _SHAPE)]
    graph.inputs = [index for index in use.inputs if graph.tensors[index].buffer == 0]
    graph.outputs, graph.operators = use.outputs, [use]
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def onnx_file(operator: str, kind: int = TensorProto.FLOAT, opset: int = 13, ir_version: int = 7) -> bytes:
    """A file with one operator on [1, 4]; quantizing ones go to int8 or come from it."""
    inputs, initializers, result = ["x"], [], kind
    if operator == "QuantizeLinear":
        inputs += ["scale", "zero"]
        initializers = [
            helper.make_tensor("scale", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("zero", TensorProto.INT8, [], [0]),
        ]
        result = TensorProto.INT8
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"])], "graph",
        [helper.make_tensor_value_info("x", kind, _SHAPE)], [helper.make_tensor_value_info("y", result, _SHAPE)],
        initializers,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir_version
    return bytes(model.SerializeToString())
