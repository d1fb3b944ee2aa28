"""What a TFLite file requires of an engine: operator versions and kernels, derived from its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.manifest import Requirements
from edgedigits_export.compat.custom import PREFIX, custom_operator
from edgedigits_export.compat.limits import Limit, note, noted_limits, without_limits
from edgedigits_export.compat.op_signature import Operand, OpSignature
from edgedigits_export.compat.op_versions import RULES
from edgedigits_export.compat.parse_errors import PARSE_ERRORS, unreadable
from edgedigits_export.compat.releases import operator_introduced_at, smallest_tflite_releases
from edgedigits_export.compat.tflite_kernels import tflite_kernel_introduced_at, tflite_kernel_types
from edgedigits_export.compat.tflite_limits import tflite_limits
from edgedigits_export.compat.tflite_tables import tflite_tables
from edgedigits_export.lazy_imports import load


def read_tflite_requirements(data: bytes) -> Requirements:
    """Derive what a TFLite file requires from its content.

    Raises
    ------
    BundleError: the bytes are no TFLite file, or are broken.

    """
    return _requirements_of(read_operator_uses(data))


def read_operator_uses(data: bytes) -> list[tuple[OpSignature, int]]:
    """Return each use of an operator in a TFLite file, with the version that the file declares for it.

    Raises
    ------
    BundleError: the bytes are no TFLite file, or are broken.

    """
    schema = load("ai_edge_litert.schema_py_generated", "check")
    if data[4:8] != b"TFL3":
        raise BundleError("expected a TFLite file, found bytes without its mark TFL3")
    try:
        return list(_operator_uses(schema, schema.ModelT.InitFromPackedBuf(data, 0)))
    except PARSE_ERRORS as error:
        raise unreadable(data, "tflite", error) from error


def derive_tflite_requirements(schema: Any, model: Any) -> Requirements:
    """Derive what a parsed TFLite file requires; ``model`` is a ``ModelT`` of the generated ``schema``."""
    return _requirements_of(_operator_uses(schema, model))


def _requirements_of(uses: Iterable[tuple[OpSignature, int]]) -> Requirements:
    operators: dict[str, int] = {}
    declared: dict[str, int] = {}
    underived = set()
    limits: list[Limit] = []
    for op, declared_version in uses:
        if op.name.startswith(PREFIX):
            operators[op.name] = declared[op.name] = declared_version
            continue
        types = tflite_kernel_types(op)
        kernel = tflite_kernel_introduced_at(op.name, types)
        if kernel is None:
            underived.add(f"{op.name} {types}".rstrip() if op.name in tflite_tables().operators else op.name)
        found = tflite_limits(op, types)
        limits += found
        names = [op.name, *(f"{op.name} {note(limit, types)}" for limit in found)]
        if kernel is not None and kernel > operator_introduced_at(op.name, declared_version):
            names.append(f"{op.name} {types}")  # the version that the file declares does not promise this kernel
        version = RULES[op.name](op) if op.name in RULES else declared_version
        for name in names:
            operators[name] = max(operators.get(name, 0), version)
            declared[name] = max(declared.get(name, 0), declared_version)
    needs = [*_introduced_at(operators, declared), *(limit.ends_at for limit in limits if limit.is_lifted)]
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=dict(sorted(declared.items())),
        underived=tuple(sorted(underived)),
        opset=None,
        ir_version=None,
        engines={} if underived else without_limits(smallest_tflite_releases(needs), limits),
    )


def _introduced_at(operators: dict[str, int], declared: dict[str, int]) -> Iterator[Any]:
    """Yield when each operator version and each kernel was introduced."""
    for name, version in operators.items():
        operator, _, types = name.partition(" ")
        if noted_limits("tflite", operator, types):
            continue
        if name.startswith(PREFIX):
            yield custom_operator("tflite", name.removeprefix(PREFIX)).introduced
        elif types:
            yield tflite_kernel_introduced_at(operator, types)
        else:
            # An engine refuses a declared version that it does not know, even where a smaller one would do.
            yield operator_introduced_at(operator, max(version, declared[name]))


def _operator_uses(schema: Any, model: Any) -> Iterator[tuple[OpSignature, int]]:
    """Yield each use of an operator, with the version that the file declares for it."""
    names, types = _names(schema.BuiltinOperator), _names(schema.TensorType)
    for graph in model.subgraphs:
        operands = [_operand(tensor, types) for tensor in graph.tensors]
        given = _given_from_the_start(model, graph)
        for operator in graph.operators:
            code = model.operatorCodes[_index(operator.opcodeIndex)]
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if name == "CUSTOM":
                name = PREFIX + bytes(code.customCode or b"").decode(errors="replace").replace(" ", "_")
            inputs, outputs = _pick(operands, operator.inputs, given), _pick(operands, operator.outputs)
            given |= set(() if operator.outputs is None else operator.outputs)
            options = operator.builtinOptions or getattr(operator, "builtinOptions2", None)
            yield OpSignature(name, inputs, outputs, options), code.version


def _names(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


def _index(value: Any) -> int:
    """Return an index of the file; raise IndexError for a negative one, which Python would count from the end."""
    if value < 0:
        raise IndexError(f"index {value}")
    return int(value)


def _given_from_the_start(model: Any, graph: Any) -> set[int]:
    """Return the tensors that have values before any operator runs."""
    held = {
        index
        for index, tensor in enumerate(graph.tensors)
        if tensor.isVariable or 0 in _shape(tensor) or _has_data(model.buffers[_index(tensor.buffer)])
    }
    return held | set(() if graph.inputs is None else graph.inputs)


def _has_data(buffer: Any) -> bool:
    return bool(buffer.data is not None and len(buffer.data)) or bool(getattr(buffer, "offset", 0))


def _pick(
    operands: list[Operand], indices: Iterable[int] | None, given: set[int] | None = None
) -> tuple[Operand | None, ...]:
    """Return operands by their indices; those that are not among the ``given`` say so."""
    picked = []
    for index in () if indices is None else indices:
        known = given is None or index in given
        picked.append(None if index < 0 else operands[index] if known else replace(operands[index], given=False))
    return tuple(picked)


def _operand(tensor: Any, types: dict[int, str]) -> Operand:
    return Operand(
        types[tensor.type],
        _shape(tensor),
        _scales(tensor),
        tensor.sparsity is not None,
        _zero_points(tensor),
        int(getattr(tensor.quantization, "quantizedDimension", 0)),
    )


def _shape(tensor: Any) -> tuple[int, ...]:
    signature = getattr(tensor, "shapeSignature", None)
    shape = tensor.shape if signature is None else signature
    return () if shape is None else tuple(int(size) for size in shape)


def _scales(tensor: Any) -> tuple[float, ...]:
    scales = getattr(tensor.quantization, "scale", None)
    return () if scales is None else tuple(float(scale) for scale in scales)


def _zero_points(tensor: Any) -> tuple[int, ...]:
    points = getattr(tensor.quantization, "zeroPoint", None)
    return () if points is None else tuple(map(int, points))
