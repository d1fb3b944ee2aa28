"""Add the contract to a converted TFLite file: a cast before it, a float softmax after it, names, no unused parts.

The layout is that of TensorFlow's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs), read and written with
the classes that ai-edge-litert generates from it.
"""

from __future__ import annotations

from typing import Any

from edgedigits_export.compat.tflite_requirements import derive_tflite_requirements
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.keras_model.frozen import INPUT_NAME, OUTPUT_NAME
from edgedigits_export.lazy_imports import load

_SCHEMA = "ai_edge_litert.schema_py_generated"
_RUNTIME_VERSION = b"min_runtime_version"
_KEPT_METADATA = frozenset({_RUNTIME_VERSION, b"reduced_precision_support"})


def add_contract(converted: bytes, *, needs_softmax: bool, any_size: bool = False) -> bytes:
    """Return a file from ``image`` uint8 to ``probabilities`` float32, made of one with a float32 input and output.

    ``needs_softmax`` says that the output holds scores, ``any_size`` that engines may change the height and the width
    of the input. What no engine needs is left out, a sixth of a small file: inner names, the converter's record of
    itself, empty buffers, and reshapes before a layer that flattens its input itself.
    """
    schema = load(_SCHEMA)
    model = schema.ModelT.InitFromPackedBuf(converted, 0)
    graph = model.subgraphs[0]  # the others belong to loops
    for tensor in _tensors(model):
        tensor.name = None
    for part in model.subgraphs:
        _drop_reshapes(schema, model, part)
    _add_cast(schema, model, graph)
    if needs_softmax:
        _add_softmax(schema, model, graph)
    graph.tensors[graph.inputs[0]].name = INPUT_NAME.encode()
    graph.tensors[graph.outputs[0]].name = OUTPUT_NAME.encode()
    if any_size:
        for index in (*graph.inputs, *graph.outputs):
            batch, _, _, channels = graph.tensors[index].shape
            graph.tensors[index].shapeSignature = [int(batch), -1, -1, int(channels)]
    model.signatureDefs = None
    model.metadata = [entry for entry in model.metadata or () if entry.name in _KEPT_METADATA]
    model.description = "edgedigits"
    _drop_empty_buffers(schema, model)
    _declare_versions(schema, model)
    return pack(schema, model)


def _tensors(model: Any) -> list[Any]:
    return [tensor for graph in model.subgraphs for tensor in graph.tensors]


def _drop_reshapes(schema: Any, model: Any, graph: Any) -> None:
    """Remove reshapes before fully connected layers, which read rows of their weights' length in any shape.

    Not where weights of 8 bits meet float values: LiteRT 1.1.2 to 1.3.0 takes each row of such an input by itself.
    """
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    readers: dict[int, list[Any]] = {}
    for operator in graph.operators:
        for index in operator.inputs:
            readers.setdefault(int(index), []).append(operator)

    def hybrid(reader: Any) -> bool:
        values, weights = (graph.tensors[index].type for index in reader.inputs[:2])
        return bool(values == schema.TensorType.FLOAT32 and weights == schema.TensorType.INT8)

    def flattens(operator: Any) -> bool:
        (target,) = operator.outputs
        return target not in graph.outputs and all(
            codes[reader.opcodeIndex] == schema.BuiltinOperator.FULLY_CONNECTED
            and not reader.builtinOptions.keepNumDims
            and not hybrid(reader)
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
    """Remove tensors that no operator of ``graph`` uses, and operator codes that no graph uses."""
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


def _add_cast(schema: Any, model: Any, graph: Any) -> None:
    (pixels,) = graph.inputs
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = schema.TensorType.UINT8, schema.TensorType.FLOAT32
    image = _like(schema, graph, pixels, schema.TensorType.UINT8)
    operator = _operator(schema, model, "CAST", options, image, pixels)
    graph.operators.insert(0, operator)
    graph.inputs = [image]


def _add_softmax(schema: Any, model: Any, graph: Any) -> None:
    (scores,) = graph.outputs
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    probabilities = _like(schema, graph, scores, schema.TensorType.FLOAT32)
    graph.operators.append(_operator(schema, model, "SOFTMAX", options, scores, probabilities))
    graph.outputs = [probabilities]


def _like(schema: Any, graph: Any, index: int, kind: int) -> int:
    """Add a tensor with the shape of another one, and return its index."""
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer = graph.tensors[index].shape, kind, 0
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(schema: Any, model: Any, name: str, options: Any, source: int, target: int) -> Any:
    code = schema.OperatorCodeT()
    # Both fields are set: readers older than operator numbers above a byte read the deprecated one.
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [source], [target]
    operator.builtinOptions = options
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
    return operator


def _declare_versions(schema: Any, model: Any) -> None:
    """Declare the versions that the file needs: TensorFlow 2.21 declares 3 for int16 convolutions that need 4."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    found = derive_tflite_requirements(schema, model)
    for code in model.operatorCodes:
        code.version = max(code.version, found.operators.get(names[code.builtinCode], 1))
    release = derive_tflite_requirements(schema, model).engines.get("tflite-runtime")
    for entry in model.metadata:
        if entry.name == _RUNTIME_VERSION and release:
            model.buffers[entry.buffer].data = release.encode().ljust(16, b"\0")


def _drop_empty_buffers(schema: Any, model: Any) -> None:
    """Keep only buffers with content, after buffer 0, which the schema defines as the empty one."""
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
