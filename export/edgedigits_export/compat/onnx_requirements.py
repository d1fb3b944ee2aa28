"""What an ONNX file requires of onnxruntime: opset, IR version, and kernels, with all weights inside the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.manifest import Requirements
from edgedigits_export.compat.kernels import onnx_kernel_introduced_at, onnx_kernel_types
from edgedigits_export.compat.parse_errors import PARSE_ERRORS, unreadable
from edgedigits_export.compat.releases import (
    NEVER,
    ReleasePoint,
    ir_version_introduced_at,
    opset_introduced_at,
    smallest_onnxruntime_release,
)
from edgedigits_export.compat.targets import known_targets
from edgedigits_export.lazy_imports import load

STANDARD = "ai.onnx"


def read_onnx_requirements(data: bytes) -> Requirements:
    """Derive what an ONNX file requires from its content.

    Raises
    ------
    BundleError: the bytes are no ONNX file, are broken, or keep weights in other files.

    """
    onnx = load("onnx", "check")
    broken = (load("google.protobuf.message").DecodeError, onnx.checker.ValidationError, *PARSE_ERRORS)
    try:
        model = onnx.load_model_from_string(data)
        for graph in _graphs(model.graph):
            _refuse_external_data(onnx, graph)
        return _derive(onnx, model)
    except broken as error:
        raise unreadable(data, "onnx", error) from error


def _derive(onnx: Any, model: Any) -> Requirements:
    declared = {entry.domain or STANDARD: int(entry.version) for entry in model.opset_import}
    if not model.HasField("graph") or not declared:
        raise ValueError("no graph or no opset")
    # Models of classical machine learning or of training may have operators of other domains alone.
    opset, ir_version = declared.get(STANDARD), int(model.ir_version)
    introduced = [ir_version_introduced_at(ir_version)]
    introduced += [] if opset is None else [opset_introduced_at(opset)]
    base = max(NEVER if point is None else point for point in introduced)
    operators: dict[str, int] = {}
    underived = {"functions of its own"} if model.functions else set()
    needs = [base]
    dtypes = _value_types(onnx, model)
    nodes = [node for graph in _graphs(model.graph) for node in graph.node]
    dequantized = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    for node in nodes:
        name, version = _operator_version(onnx, node, declared)
        operators[name] = max(operators.get(name, 0), abs(version))
        types = onnx_kernel_types(node, dtypes, dequantized)
        kernel = onnx_kernel_introduced_at(name, version, types) if types else None
        if version < 0 or _is_untried(name, types, kernel):
            underived.add(name if version < 0 else f"{name} {types}")
        elif kernel is not None and kernel > base:
            operators[f"{name} {types}"] = version  # the opset does not promise this kernel
            needs.append(kernel)
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=declared,
        underived=tuple(sorted(underived)),
        opset=opset,
        ir_version=ir_version,
        engines={} if underived else smallest_onnxruntime_release(needs),
    )


def _operator_version(onnx: Any, node: Any, declared: dict[str, int]) -> tuple[str, int]:
    """Return an operator's name and the version of its definition in the opset; a negative one if it is not known."""
    domain = node.domain or STANDARD
    name = node.op_type if domain == STANDARD else f"{domain}.{node.op_type}"
    unknown = -max(1, declared.get(domain, 1))
    try:
        found = onnx.defs.get_schema(node.op_type, declared[STANDARD], "") if domain == STANDARD else None
    except (onnx.defs.SchemaError, KeyError):
        return name, unknown
    return name, int(found.since_version) if found else unknown


def _is_untried(name: str, types: str, kernel: ReleasePoint | None) -> bool:
    """Return whether these types were never tried; an operator that is not in the table is taken to know floats."""
    in_table = name in known_targets().onnx_kernels
    return bool(types) and kernel is None and (in_table or types not in {"float", "int64", "bool"})


def _value_types(onnx: Any, model: Any) -> dict[str, str]:
    """Return the element types of the graph's values by name, as far as shape inference finds them."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    name_of = onnx.TensorProto.DataType.Name
    values = [*graph.input, *graph.value_info, *graph.output]
    found = {value.name: name_of(value.type.tensor_type.elem_type).lower() for value in values}
    found |= {tensor.name: name_of(tensor.data_type).lower() for tensor in graph.initializer}
    return {name: dtype for name, dtype in found.items() if dtype != "undefined"}


def _graphs(graph: Any) -> Iterator[Any]:
    """Yield a graph and the graphs inside its nodes: branches and bodies of loops."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from _graphs(inner)


def _refuse_external_data(onnx: Any, graph: Any) -> None:
    """Refuse weights in other files: they would escape the model file's hash, and could name any file."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise BundleError(f"expected an ONNX file with its weights inside, found {tensor.name!r} in another file")
