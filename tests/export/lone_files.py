"""Model files with any inputs and outputs, as other people make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from numpy.typing import NDArray
from onnx import TensorProto, helper

FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING

# Name, element type, and shape, in which a word is a free dimension.
OnnxEnd = tuple[str, int, Sequence[int | str]]
# Operator, names of its inputs, names of its outputs.
Node = tuple[str, list[str], list[str]]


def onnx_graph(inputs: Sequence[OnnxEnd], nodes: Sequence[Node], outputs: Sequence[OnnxEnd], **constants: Any) -> bytes:
    """An .onnx file of these nodes; ``constants`` are arrays by name."""
    made = [
        helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape, value.ravel())
        for name, value in constants.items()
    ]
    graph = helper.make_graph(
        [helper.make_node(*node) for node in nodes], "graph",
        *[[helper.make_tensor_value_info(*end) for end in ends] for ends in (inputs, outputs)], made,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    return bytes(model.SerializeToString())


def two_by_two_onnx() -> bytes:
    """Two inputs with free dimensions, and two outputs: a sum and a product."""
    ends = [(name, FLOAT, ["batch", 3, "width"]) for name in ("left", "right", "sum", "product")]
    nodes = [("Add", ["left", "right"], ["sum"]), ("Mul", ["left", "right"], ["product"])]
    return onnx_graph(ends[:2], nodes, ends[2:])


def embedding_onnx() -> bytes:
    """Ids into a table of two rows, and a mask, as language models have: any id but 0 and 1 is refused."""
    inputs = [("ids", INT64, [1, 5]), ("mask", BOOL, [1, 5])]
    nodes = [("Gather", ["table", "ids"], ["vectors"]), ("Not", ["mask"], ["turned"])]
    outputs = [("vectors", FLOAT, [1, 5, 4]), ("turned", BOOL, [1, 5])]
    return onnx_graph(inputs, nodes, outputs, table=np.arange(8, dtype=np.float32).reshape(2, 4))


def text_onnx() -> bytes:
    """A string in, the same string out."""
    return onnx_graph([("text", STRING, [1])], [("Identity", ["text"], ["same"])], [("same", STRING, [1])])


def sequence_onnx() -> bytes:
    """A tensor in, and out comes a sequence of it."""
    output = helper.make_tensor_sequence_value_info("parts", FLOAT, None)
    node = helper.make_node("SequenceConstruct", ["x"], ["parts"])
    graph = helper.make_graph([node], "graph", [helper.make_tensor_value_info("x", FLOAT, [2])], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    return bytes(model.SerializeToString())


def constant_onnx() -> bytes:
    """No input at all."""
    return onnx_graph([], [("Abs", ["value"], ["y"])], [("y", FLOAT, [3])], value=np.arange(3, dtype=np.float32))


class TfliteGraph:
    """A .tflite file, built tensor by tensor and operator by operator."""

    def __init__(self) -> None:
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version, self._model.buffers, self._model.operatorCodes = 3, [schema.BufferT()], []
        self._model.subgraphs = [self._graph]
        self._graph.tensors, self._graph.operators = [], []

    def tensor(
        self, name: str, kind: str, shape: list[int], values: NDArray[Any] | None = None, scale: float | None = None
    ) -> int:
        """Add a tensor and return its index; -1 in ``shape`` is a free dimension, and ``values`` make it a constant."""
        made = schema.TensorT()
        made.name, made.type, made.buffer = name.encode(), getattr(schema.TensorType, kind), 0
        made.shape = [max(1, size) for size in shape]
        if -1 in shape:
            made.shapeSignature = shape
        if scale is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = np.float32([scale]), np.zeros(1, np.int64)
        if values is not None:
            self._model.buffers.append(schema.BufferT())
            self._model.buffers[-1].data = np.frombuffer(values.tobytes(), np.uint8)
            made.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def operator(self, name: str, inputs: list[int], outputs: list[int], custom: str | None = None) -> None:
        """Add an operator; a ``custom`` one goes by a name that no engine knows."""
        code, use = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version, code.customCode = min(code.builtinCode, 127), 1, custom
        options = {"ADD": "AddOptions", "MUL": "MulOptions", "GATHER": "GatherOptions", "ABS": "AbsOptions"}.get(name)
        if options is not None:
            use.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            use.builtinOptions = getattr(schema, f"{options}T")()
        use.opcodeIndex, use.inputs, use.outputs = len(self._model.operatorCodes), inputs, outputs
        self._model.operatorCodes.append(code)
        self._graph.operators.append(use)

    def data(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file's bytes."""
        self._graph.inputs, self._graph.outputs = inputs, outputs
        builder = Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def two_by_two_tflite(shape: Sequence[int] = (-1, 3, -1)) -> bytes:
    """Two inputs with free dimensions, and two outputs: a sum and a product."""
    graph = TfliteGraph()
    left, right, total, product = (graph.tensor(n, "FLOAT32", list(shape)) for n in ("left", "right", "sum", "product"))
    graph.operator("ADD", [left, right], [total])
    graph.operator("MUL", [left, right], [product])
    return graph.data([left, right], [total, product])


def embedding_tflite() -> bytes:
    """Ids into a table of two rows, and a flag."""
    graph = TfliteGraph()
    table = graph.tensor("table", "FLOAT32", [2, 4], np.arange(8, dtype=np.float32))
    ids, mask = graph.tensor("ids", "INT32", [1, 5]), graph.tensor("mask", "BOOL", [1, 5])
    vectors, turned = graph.tensor("vectors", "FLOAT32", [1, 5, 4]), graph.tensor("turned", "BOOL", [1, 5])
    graph.operator("GATHER", [table, ids], [vectors])
    graph.operator("LOGICAL_NOT", [mask], [turned])
    return graph.data([ids, mask], [vectors, turned])


def constant_tflite() -> bytes:
    """No input at all."""
    graph = TfliteGraph()
    value, result = (
        graph.tensor("value", "FLOAT32", [3], np.arange(3, dtype=np.float32)),
        graph.tensor("y", "FLOAT32", [3]),
    )
    graph.operator("ABS", [value], [result])
    return graph.data([], [result])


def custom_tflite() -> bytes:
    """An operator of somebody's own."""
    graph = TfliteGraph()
    given, result = graph.tensor("x", "FLOAT32", [1, 4]), graph.tensor("y", "FLOAT32", [1, 4])
    graph.operator("CUSTOM", [given], [result], custom="Landmarks")
    return graph.data([given], [result])


def custom_onnx() -> bytes:
    """An operator of somebody's own."""
    ends = [("x", FLOAT, [1, 4]), ("y", FLOAT, [1, 4])]
    return onnx_graph(ends[:1], [("Landmarks", ["x"], ["y"])], ends[1:])
