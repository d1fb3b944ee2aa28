"""The contract around a converted TFLite file: a cast in front, a float softmax behind, names, and nothing idle.

Layout by TensorFlow's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs), read and written with the classes
that ai-edge-litert generates from it.
"""

from __future__ import annotations

from typing import Any

from edgedigits_export.freeze import INPUT_NAME, OUTPUT_NAME
from edgedigits_export.quiet import load
from edgedigits_export.requirements import tflite_requirements

_SCHEMA = "ai_edge_litert.schema_py_generated"
_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # schema.fbs: buffers are force_align 16, which the generated Python classes forget
_RUNTIME_VERSION = b"min_runtime_version"
_KEPT_METADATA = frozenset({_RUNTIME_VERSION, b"reduced_precision_support"})


def keep_contract(converted: bytes, *, needs_softmax: bool) -> bytes:
    """Put the contract around a file that goes from one float32 input to one float32 output.

    Returns ``image`` uint8 → ``probabilities`` float32. Inner names, the converter's record of itself and empty
    buffers are left out: no engine reads them and they are an eighth of a small file.
    """
    schema = load(_SCHEMA)
    model = schema.ModelT.InitFromPackedBuf(converted, 0)
    graph = model.subgraphs[0]  # others are the bodies of loops
    for tensor in _tensors(model):
        tensor.name = None
    _cast_in_front(schema, model, graph)
    if needs_softmax:
        _softmax_behind(schema, model, graph)
    graph.tensors[graph.inputs[0]].name = INPUT_NAME.encode()
    graph.tensors[graph.outputs[0]].name = OUTPUT_NAME.encode()
    model.signatureDefs = None
    model.metadata = [entry for entry in model.metadata or () if entry.name in _KEPT_METADATA]
    model.description = "edgedigits"
    _drop_empty_buffers(schema, model)
    _declare_truth(schema, model)
    return _pack(schema, model)


def _tensors(model: Any) -> list[Any]:
    return [tensor for graph in model.subgraphs for tensor in graph.tensors]


def _cast_in_front(schema: Any, model: Any, graph: Any) -> None:
    (pixels,) = graph.inputs
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = schema.TensorType.UINT8, schema.TensorType.FLOAT32
    image = _like(schema, graph, pixels, schema.TensorType.UINT8)
    operator = _operator(schema, model, "CAST", options, image, pixels)
    graph.operators.insert(0, operator)
    graph.inputs = [image]


def _softmax_behind(schema: Any, model: Any, graph: Any) -> None:
    (scores,) = graph.outputs
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    probabilities = _like(schema, graph, scores, schema.TensorType.FLOAT32)
    graph.operators.append(_operator(schema, model, "SOFTMAX", options, scores, probabilities))
    graph.outputs = [probabilities]


def _like(schema: Any, graph: Any, index: int, kind: int) -> int:
    """Add a tensor with the shape of another one; its index."""
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer = graph.tensors[index].shape, kind, 0
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(schema: Any, model: Any, name: str, options: Any, source: int, target: int) -> Any:
    code = schema.OperatorCodeT()
    # Both fields: readers from before the operator numbers outgrew a byte look at the deprecated one.
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [source], [target]
    operator.builtinOptions = options
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    return operator


def _declare_truth(schema: Any, model: Any) -> None:
    """Make the file say what it needs: TensorFlow 2.21 writes version 3 over int16 convolutions that need 4."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    found = tflite_requirements(schema, model)
    for code in model.operatorCodes:
        code.version = max(code.version, found.operators.get(names[code.builtinCode], 1))
    release = tflite_requirements(schema, model).engines.get("tflite")
    for entry in model.metadata:
        if entry.name == _RUNTIME_VERSION and release:
            model.buffers[entry.buffer].data = release.encode().ljust(16, b"\0")


def _drop_empty_buffers(schema: Any, model: Any) -> None:
    """Keep the buffers with content, behind buffer 0, which by the schema is the empty one."""
    kept = [schema.BufferT()]
    for owner in (*_tensors(model), *model.metadata):
        buffer = model.buffers[owner.buffer]
        if owner.buffer == 0 or buffer.data is None or not len(buffer.data):
            owner.buffer = 0
            continue
        known = next((index for index, other in enumerate(kept) if other is buffer), None)
        if known is None:
            kept.append(buffer)
        owner.buffer = len(kept) - 1 if known is None else known
    model.buffers = kept


def _pack(schema: Any, model: Any) -> bytes:
    """Write the file, each buffer's content on a multiple of 16 bytes."""
    flatbuffers = load("flatbuffers")
    for buffer in model.buffers:
        buffer.Pack = _aligned(schema, buffer)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _aligned(schema: Any, buffer: Any) -> Any:
    """``BufferT.Pack`` with the alignment that the schema demands."""

    def pack(builder: Any) -> int:
        start = None
        if buffer.data is not None and len(buffer.data):
            content = bytes(buffer.data)
            builder.StartVector(1, len(content), _ALIGNMENT)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            start = builder.EndVector()
        schema.BufferStart(builder)
        if start is not None:
            schema.BufferAddData(builder, start)
        return int(schema.BufferEnd(builder))

    return pack
