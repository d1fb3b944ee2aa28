"""What a model file demands of an engine, read from the file; TensorFlow is not needed."""

from __future__ import annotations

import struct
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.operator_versions import RULES, Operand, Signature
from edgedigits_export.quiet import load
from edgedigits_export.releases import onnxruntime_releases, tflite_releases

# What broken offsets and lengths make the generated flatbuffer classes raise; they have no verifier.
_BROKEN = (struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


def read_requirements(data: bytes, fmt: Format) -> Requirements:
    """Derive what a file needs from its content.

    Raises
    ------
    BundleError: the bytes are no such file, are broken, or keep weights in other files.

    """
    return _read_tflite(data) if fmt == "tflite" else _read_onnx(data)


def _read_tflite(data: bytes) -> Requirements:
    schema = load("ai_edge_litert.schema_py_generated", "check")
    if data[4:8] != b"TFL3":
        raise BundleError("expected a TFLite file, found bytes without its mark TFL3")
    try:
        return tflite_requirements(schema, schema.ModelT.InitFromPackedBuf(data, 0))
    except _BROKEN as error:
        raise BundleError(f"expected a whole TFLite file, found a broken one ({_reason(error)})") from error


def tflite_requirements(schema: Any, model: Any) -> Requirements:
    """The same for a parsed TFLite file, ``ModelT`` of the generated ``schema``."""
    names, kinds = _names(schema.BuiltinOperator), _names(schema.TensorType)
    operators: dict[str, int] = {}
    declared: dict[str, int] = {}
    underived = set()
    for graph in model.subgraphs:
        operands = [_operand(tensor, kinds) for tensor in graph.tensors]
        for operator in graph.operators:
            code = model.operatorCodes[_index(operator.opcodeIndex)]
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            signature = Signature(
                name, _pick(operands, operator.inputs), _pick(operands, operator.outputs), operator.builtinOptions
            )
            if name not in RULES:
                underived.add(name)
            version = RULES[name](signature) if name in RULES else code.version
            operators[name] = max(operators.get(name, 0), version)
            declared[name] = max(declared.get(name, 0), code.version)
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=dict(sorted(declared.items())),
        underived=tuple(sorted(underived)),
        opset=None,
        ir_version=None,
        engines=tflite_releases(operators, declared, underived),
    )


def _names(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


def _index(value: Any) -> int:
    """Refuse negative numbers, which Python would count from the end."""
    if value < 0:
        raise IndexError(f"index {value}")
    return int(value)


def _pick(operands: list[Operand], indices: Any) -> tuple[Operand | None, ...]:
    return tuple(operands[index] if index >= 0 else None for index in (() if indices is None else indices))


def _scales(tensor: Any) -> tuple[float, ...]:
    scales = getattr(tensor.quantization, "scale", None)
    return () if scales is None else tuple(float(scale) for scale in scales)


def _shape(tensor: Any) -> tuple[int, ...]:
    signature = getattr(tensor, "shapeSignature", None)
    shape = tensor.shape if signature is None else signature
    return () if shape is None else tuple(int(size) for size in shape)


def _operand(tensor: Any, kinds: dict[int, str]) -> Operand:
    return Operand(kinds[tensor.type], _shape(tensor), _scales(tensor), tensor.sparsity is not None)


def _read_onnx(data: bytes) -> Requirements:
    onnx = load("onnx", "check")
    broken = (load("google.protobuf.message").DecodeError, onnx.checker.ValidationError, *_BROKEN)
    try:
        model = onnx.load_model_from_string(data)
        _refuse_external(onnx, model.graph)
        return _from_onnx(onnx, model)
    except broken as error:
        raise BundleError(f"expected a whole ONNX file, found a broken one ({_reason(error)})") from error


def _from_onnx(onnx: Any, model: Any) -> Requirements:
    declared = {entry.domain or "ai.onnx": int(entry.version) for entry in model.opset_import}
    if not model.graph.node or "ai.onnx" not in declared:
        raise ValueError("no nodes or no opset")
    operators: dict[str, int] = {}
    underived = set()
    for node in model.graph.node:
        domain = node.domain or "ai.onnx"
        name = node.op_type if domain == "ai.onnx" else f"{domain}.{node.op_type}"
        try:
            version = onnx.defs.get_schema(node.op_type, declared[domain], node.domain).since_version
        except (onnx.defs.SchemaError, KeyError):
            version = declared.get(domain, 0)
            underived.add(name)
        operators[name] = max(operators.get(name, 0), int(version))
    opset, ir_version = declared["ai.onnx"], int(model.ir_version)
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=declared,
        underived=tuple(sorted(underived)),
        opset=opset,
        ir_version=ir_version,
        engines=onnxruntime_releases(opset, ir_version) if set(declared) == {"ai.onnx"} else {},
    )


def _refuse_external(onnx: Any, graph: Any) -> None:
    """A model file stands alone: weights elsewhere would escape its hash, and could name any file."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                _refuse_external(onnx, inner)
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise BundleError(f"expected an ONNX file with its weights inside, found {tensor.name!r} in another file")


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
