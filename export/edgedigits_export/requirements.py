"""What a model file demands of an engine, read from the file; TensorFlow is not needed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

from edgedigits.errors import BundleError
from edgedigits_export.operator_versions import RULES, Operand, Signature
from edgedigits_export.quiet import load
from edgedigits_export.runtime_versions import release, runtime_of

# onnxruntime release that brought each opset and each IR version, from the table in onnxruntime's
# docs/reference/compatibility.md (gh-pages, commit 109c0baa, up to release 1.20). Every release since 0.1 runs the
# opsets from 7 on.
_OPSET_SINCE = {
    7: "0.1", 8: "0.1", 9: "0.3", 10: "0.4", 11: "1.0", 12: "1.3", 13: "1.6", 14: "1.8", 15: "1.9",
    16: "1.11", 17: "1.12", 18: "1.14", 19: "1.15", 20: "1.17", 21: "1.18",
}  # fmt: skip
_IR_SINCE = {3: "0.1", 4: "0.4", 5: "0.4", 6: "1.0", 7: "1.3", 8: "1.9", 9: "1.16", 10: "1.18"}

# What broken offsets and lengths make the generated flatbuffer classes raise; they have no verifier.
_BROKEN = (struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output: shape with -1 or a name for a free axis, scale and zero point if quantized."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a file needs.

    Attributes
    ----------
    operators: smallest sufficient version of each operator, derived; for ONNX the version of the operator's
        definition that the file's opset selects.
    declared: what the file says: TFLite operator versions, ONNX opset by domain.
    underived: operators without a rule here; their version in ``operators`` is only the declared one.
    opset, ir_version: of an ONNX file, else None.
    inputs, outputs: of the graph.

    """

    operators: dict[str, int]
    declared: dict[str, int]
    underived: tuple[str, ...]
    opset: int | None
    ir_version: int | None
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def read_requirements(data: bytes, fmt: Literal["tflite", "onnx"]) -> Requirements:
    """Derive what a file needs from its content.

    Raises
    ------
    BundleError: the bytes are no such file, are broken, or keep weights in other files.

    """
    return _read_tflite(data) if fmt == "tflite" else _read_onnx(data)


def smallest_engines(requirements: Requirements) -> dict[str, str]:
    """The first release of each engine that has what a file needs; an engine is left out where it is not known.

    ``tflite`` counts releases of TensorFlow Lite, which tflite-runtime shares and LiteRT does not.
    """
    if requirements.opset is not None:
        since = [_OPSET_SINCE.get(requirements.opset), _IR_SINCE.get(requirements.ir_version or 0)]
        known = [first for first in since if first is not None]
        standard = set(requirements.declared) <= {"ai.onnx"}
        return {"onnxruntime": max(known, key=release)} if standard and len(known) == len(since) else {}
    needed = []
    for name, version in requirements.operators.items():
        # An engine refuses a declared version that it does not know, even where a smaller one would do.
        asked = max(version, requirements.declared[name])
        since_release = runtime_of(name, asked)
        if name in requirements.underived or since_release is None:
            return {}
        needed.append(since_release)
    return {"tflite": max(needed, key=release)} if needed else {}


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
    main = model.subgraphs[0]
    inputs, outputs = (
        tuple(_tensor_info(main.tensors[_index(i)], kinds) for i in ends) for ends in (main.inputs, main.outputs)
    )
    return Requirements(
        dict(sorted(operators.items())), dict(sorted(declared.items())), tuple(sorted(underived)),
        None, None, inputs, outputs,
    )  # fmt: skip


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


def _tensor_info(tensor: Any, kinds: dict[int, str]) -> TensorInfo:
    scales = _scales(tensor)
    zero_point = int(tensor.quantization.zeroPoint[0]) if scales else None
    name = (tensor.name or b"").decode()
    return TensorInfo(name, kinds[tensor.type].lower(), _shape(tensor), scales[0] if scales else None, zero_point)


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
    inputs, outputs = (
        tuple(_onnx_tensor(onnx, end) for end in ends) for ends in (model.graph.input, model.graph.output)
    )
    return Requirements(
        dict(sorted(operators.items())), declared, tuple(sorted(underived)), declared["ai.onnx"],
        int(model.ir_version), inputs, outputs,
    )  # fmt: skip


def _onnx_tensor(onnx: Any, end: Any) -> TensorInfo:
    kind = end.type.tensor_type
    shape = tuple(axis.dim_param or int(axis.dim_value) or -1 for axis in kind.shape.dim)
    return TensorInfo(end.name, onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name, shape)


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
