"""What an ONNX file demands of onnxruntime: opset, file format, operators on their types, and no other file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.manifest import Requirements
from edgedigits_export.compat.kernels import onnx_kernel, onnx_kind
from edgedigits_export.compat.parse_errors import PARSE_ERRORS, reason
from edgedigits_export.compat.releases import NEVER, Since, ir_since, onnxruntime_engines, opset_since
from edgedigits_export.compat.targets import known
from edgedigits_export.lazy_imports import load

STANDARD = "ai.onnx"


def read_onnx(data: bytes) -> Requirements:
    """Derive what an ONNX file needs from its content.

    Raises
    ------
    BundleError: the bytes are no such file, are broken, or keep weights in other files.

    """
    onnx = load("onnx", "check")
    broken = (load("google.protobuf.message").DecodeError, onnx.checker.ValidationError, *PARSE_ERRORS)
    try:
        model = onnx.load_model_from_string(data)
        for graph in _graphs(model.graph):
            _refuse_external(onnx, graph)
        return _derive(onnx, model)
    except broken as error:
        raise BundleError(f"expected a whole ONNX file, found a broken one ({reason(error)})") from error


def _derive(onnx: Any, model: Any) -> Requirements:
    declared = {entry.domain or STANDARD: int(entry.version) for entry in model.opset_import}
    if not model.graph.node or STANDARD not in declared:
        raise ValueError("no nodes or no opset")
    opset, ir_version = declared[STANDARD], int(model.ir_version)
    came = [opset_since(opset), ir_since(ir_version)]
    base = max(NEVER if when is None else when for when in came)
    operators: dict[str, int] = {}
    underived = {"functions of its own"} if model.functions else set()
    needs = [base]
    types = _types(onnx, model)
    nodes = [node for graph in _graphs(model.graph) for node in graph.node]
    dequantized = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    for node in nodes:
        name, version = _version(onnx, node, declared)
        operators[name] = max(operators.get(name, 0), abs(version))
        kind = onnx_kind(node, types, dequantized)
        kernel = onnx_kernel(name, version, kind) if kind else None
        if version < 0 or _untried(name, kind, kernel):
            underived.add(name if version < 0 else f"{name} {kind}")
        elif kernel is not None and kernel > base:
            operators[f"{name} {kind}"] = version  # the opset does not promise this kernel
            needs.append(kernel)
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=declared,
        underived=tuple(sorted(underived)),
        opset=opset,
        ir_version=ir_version,
        engines={} if underived else onnxruntime_engines(needs),
    )


def _version(onnx: Any, node: Any, declared: dict[str, int]) -> tuple[str, int]:
    """An operator's name and the version of its definition that the opset selects; negative where there is none."""
    domain = node.domain or STANDARD
    name = node.op_type if domain == STANDARD else f"{domain}.{node.op_type}"
    unknown = -max(1, declared.get(domain, 1))
    try:
        found = onnx.defs.get_schema(node.op_type, declared[STANDARD], "") if domain == STANDARD else None
    except onnx.defs.SchemaError:
        return name, unknown
    return name, int(found.since_version) if found else unknown


def _untried(name: str, kind: str, kernel: Since | None) -> bool:
    """A type that was never tried on an operator; operators that were not tried at all are taken to know floats."""
    return bool(kind) and kernel is None and (name in known().onnx_kernels or kind not in {"float", "int64", "bool"})


def _types(onnx: Any, model: Any) -> dict[str, str]:
    """Element types of the graph's values by name, as far as they follow from the operators' definitions."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    name_of = onnx.TensorProto.DataType.Name
    values = [*graph.input, *graph.value_info, *graph.output]
    found = {value.name: name_of(value.type.tensor_type.elem_type).lower() for value in values}
    found |= {tensor.name: name_of(tensor.data_type).lower() for tensor in graph.initializer}
    return {name: kind for name, kind in found.items() if kind != "undefined"}


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and those inside its nodes: branches and bodies of loops."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from _graphs(inner)


def _refuse_external(onnx: Any, graph: Any) -> None:
    """A model file stands alone: weights elsewhere would escape its hash, and could name any file."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise BundleError(f"expected an ONNX file with its weights inside, found {tensor.name!r} in another file")
