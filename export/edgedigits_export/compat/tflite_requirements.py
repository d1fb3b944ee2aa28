"""What a model file demands of an engine, read from the file; TensorFlow is not needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.kernels import tflite_kernel, tflite_kind
from edgedigits_export.compat.onnx_requirements import read_onnx
from edgedigits_export.compat.op_signature import Operand, Signature
from edgedigits_export.compat.op_versions import RULES
from edgedigits_export.compat.parse_errors import PARSE_ERRORS, reason
from edgedigits_export.compat.releases import tflite_engines, version_since
from edgedigits_export.lazy_imports import load


def read_requirements(data: bytes, fmt: Format) -> Requirements:
    """Derive what a file needs from its content.

    Raises
    ------
    BundleError: the bytes are no such file, are broken, or keep weights in other files.

    """
    return _read_tflite(data) if fmt == "tflite" else read_onnx(data)


def _read_tflite(data: bytes) -> Requirements:
    schema = load("ai_edge_litert.schema_py_generated", "check")
    if data[4:8] != b"TFL3":
        raise BundleError("expected a TFLite file, found bytes without its mark TFL3")
    try:
        return tflite_requirements(schema, schema.ModelT.InitFromPackedBuf(data, 0))
    except PARSE_ERRORS as error:
        raise BundleError(f"expected a whole TFLite file, found a broken one ({reason(error)})") from error


def tflite_requirements(schema: Any, model: Any) -> Requirements:
    """The same for a parsed TFLite file, ``ModelT`` of the generated ``schema``."""
    operators: dict[str, int] = {}
    declared: dict[str, int] = {}
    underived = set()
    for use, says in _uses(schema, model):
        kind = tflite_kind(use)
        kernel = tflite_kernel(use.name, kind)
        if use.name not in RULES or kernel is None:
            underived.add(use.name if use.name not in RULES else f"{use.name} {kind}".rstrip())
        names = [use.name]
        if kernel is not None and kernel > version_since(use.name, says):
            names.append(f"{use.name} {kind}")  # the version that the file declares does not promise this kernel
        version = RULES[use.name](use) if use.name in RULES else says
        for name in names:
            operators[name] = max(operators.get(name, 0), version)
            declared[name] = max(declared.get(name, 0), says)
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=dict(sorted(declared.items())),
        underived=tuple(sorted(underived)),
        opset=None,
        ir_version=None,
        engines={} if underived else tflite_engines(_sinces(operators, declared)),
    )


def _sinces(operators: dict[str, int], declared: dict[str, int]) -> Iterable[Any]:
    for name, version in operators.items():
        operator, _, kind = name.partition(" ")
        # An engine refuses a declared version that it does not know, even where a smaller one would do.
        yield tflite_kernel(operator, kind) if kind else version_since(operator, max(version, declared[name]))


def _uses(schema: Any, model: Any) -> Iterable[tuple[Signature, int]]:
    """Each use of an operator, with the version that the file says."""
    names, kinds = _names(schema.BuiltinOperator), _names(schema.TensorType)
    for graph in model.subgraphs:
        operands = [_operand(tensor, kinds) for tensor in graph.tensors]
        for operator in graph.operators:
            code = model.operatorCodes[_index(operator.opcodeIndex)]
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            inputs, outputs = _pick(operands, operator.inputs), _pick(operands, operator.outputs)
            yield Signature(name, inputs, outputs, operator.builtinOptions), code.version


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
