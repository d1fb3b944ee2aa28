"""The contract around a converted TFLite file: a cast in front, a float softmax behind, names, and nothing idle.

Layout by TensorFlow's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs), read and written with the classes
that ai-edge-litert generates from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgedigits_export.compat.tflite_requirements import tflite_requirements
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.keras_model.frozen import INPUT_NAME, OUTPUT_NAME
from edgedigits_export.lazy_imports import load

_SCHEMA = "ai_edge_litert.schema_py_generated"
_RUNTIME_VERSION = b"min_runtime_version"
_KEPT_METADATA = frozenset({_RUNTIME_VERSION, b"reduced_precision_support"})


def keep_contract(converted: bytes, *, softmax_of: int | None) -> bytes:
    """Put the contract around a file that goes from one float32 input to one float32 output.

    With ``softmax_of`` the output is scores, and so many classes, the first, are what callers see the probabilities of.
    Returns ``image`` uint8 → ``probabilities`` float32. Left out is what no engine needs, which is a sixth of a small
    file: inner names, the converter's record of itself, empty buffers, flattening before a layer that flattens itself.
    """
    schema = load(_SCHEMA)
    model = schema.ModelT.InitFromPackedBuf(converted, 0)
    graph = model.subgraphs[0]  # others are the bodies of loops
    for tensor in _tensors(model):
        tensor.name = None
    for part in model.subgraphs:
        _drop_flattening(schema, model, part)
    _cast_in_front(schema, model, graph)
    if softmax_of:
        _softmax_behind(schema, model, graph)
        _choice_behind(schema, model, graph, softmax_of)
    graph.tensors[graph.inputs[0]].name = INPUT_NAME.encode()
    graph.tensors[graph.outputs[0]].name = OUTPUT_NAME.encode()
    model.signatureDefs = None
    model.metadata = [entry for entry in model.metadata or () if entry.name in _KEPT_METADATA]
    model.description = "edgedigits"
    _drop_empty_buffers(schema, model)
    _declare_truth(schema, model)
    return pack(schema, model)


def _tensors(model: Any) -> list[Any]:
    return [tensor for graph in model.subgraphs for tensor in graph.tensors]


def _drop_flattening(schema: Any, model: Any, graph: Any) -> None:
    """Take out reshapes of which fully connected layers make nothing: they read whole rows of their weights' length."""
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    readers: dict[int, list[Any]] = {}
    for operator in graph.operators:
        for index in operator.inputs:
            readers.setdefault(int(index), []).append(operator)

    def flattens(operator: Any) -> bool:
        (target,) = operator.outputs
        return target not in graph.outputs and all(
            codes[reader.opcodeIndex] == schema.BuiltinOperator.FULLY_CONNECTED
            and not reader.builtinOptions.keepNumDims
            and graph.tensors[target].shape[-1] == graph.tensors[reader.inputs[1]].shape[-1]
            for reader in readers.get(int(target), ())
        )

    reshapes = [each for each in graph.operators if codes[each.opcodeIndex] == schema.BuiltinOperator.RESHAPE]
    for operator in filter(flattens, reshapes):
        for reader in readers.get(int(operator.outputs[0]), ()):
            reader.inputs = [operator.inputs[0] if i == operator.outputs[0] else i for i in reader.inputs]
        graph.operators.remove(operator)
    _drop_unused(model, graph)


def _drop_unused(model: Any, graph: Any) -> None:
    """Take out tensors that no operator of ``graph`` names, and operators' codes that no graph uses."""
    named = [field for each in graph.operators for field in (each.inputs, each.outputs, each.intermediates)]
    used = {int(index) for field in (*named, graph.inputs, graph.outputs) if field is not None for index in field}
    kept = sorted(used - {-1})
    now = {index: number for number, index in enumerate(kept)} | {-1: -1}
    graph.tensors = [graph.tensors[index] for index in kept]
    for owner in (*graph.operators, graph):
        for field in ("inputs", "outputs", "intermediates"):
            if (indices := getattr(owner, field, None)) is not None:
                setattr(owner, field, [now[int(index)] for index in indices])
    operators = [operator for part in model.subgraphs for operator in part.operators]
    codes = sorted({operator.opcodeIndex for operator in operators})
    model.operatorCodes = [model.operatorCodes[index] for index in codes]
    for operator in operators:
        operator.opcodeIndex = codes.index(operator.opcodeIndex)


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


def _choice_behind(schema: Any, model: Any, graph: Any, classes: int) -> None:
    """Leave out what comes behind the first classes."""
    (every,) = graph.outputs
    if graph.tensors[every].shape[-1] == classes:
        return
    shown = _like(schema, graph, every, schema.TensorType.FLOAT32)
    graph.tensors[shown].shape = [1, classes]
    choice = _operator(schema, model, "SLICE", schema.SliceOptionsT(), every, shown)
    choice.inputs += [_constant(schema, model, graph, values) for values in ([0, 0], [1, classes])]
    graph.operators.append(choice)
    graph.outputs = [shown]


def _constant(schema: Any, model: Any, graph: Any, values: list[int]) -> int:
    """Add a tensor int32 ``[len(values)]``; its index."""
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.array(values, "<i4").view(np.uint8)
    model.buffers.append(buffer)
    tensor.shape, tensor.type, tensor.buffer = [len(values)], schema.TensorType.INT32, len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


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
    release = tflite_requirements(schema, model).engines.get("tflite-runtime")
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
