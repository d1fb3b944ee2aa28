"""What an ONNX file requires of onnxruntime: opset, IR version, and kernels, with all weights inside the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgedigits.errors import BundleError
from edgedigits.manifest import Requirements
from edgedigits_export.compat.custom import PREFIX, custom_operator
from edgedigits_export.compat.limits import Limit, note, without_limits
from edgedigits_export.compat.onnx_kernels import (
    fill_output_types,
    is_known_onnx_operator,
    onnx_kernel_introduced_at,
    onnx_kernel_types,
)
from edgedigits_export.compat.onnx_limits import Node, onnx_limits
from edgedigits_export.compat.onnx_values import read_values
from edgedigits_export.compat.parse_errors import PARSE_ERRORS, unreadable
from edgedigits_export.compat.releases import (
    ML,
    NEVER,
    STANDARD,
    ir_version_introduced_at,
    opset_introduced_at,
    smallest_onnxruntime_release,
)
from edgedigits_export.lazy_imports import load


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
    if not model.HasField("graph"):
        raise ValueError("no graph")
    if not declared:
        raise BundleError("expected an ONNX file that names its opsets, found none; no engine loads it: make it again")
    # Models of classical machine learning or of training may have operators of other domains alone.
    opset, ir_version = declared.get(STANDARD), int(model.ir_version)
    introduced = [ir_version_introduced_at(ir_version), opset_introduced_at(opset or 1)]
    introduced += [opset_introduced_at(declared[ML], ML)] if ML in declared else []
    base = max(NEVER if point is None else point for point in introduced)
    operators: dict[str, int] = {}
    underived = {"functions of its own"} if model.functions else set()
    needs = [base]
    functions = {(function.domain, function.name) for function in model.functions}
    nodes = [node for graph in _graphs(model.graph) for node in graph.node]
    values = read_values(onnx, model)
    limits: list[Limit] = []
    for node in nodes:
        name, version, schema = _definition(onnx, node, declared)
        operators[name] = max(operators.get(name, 0), version)
        fill_output_types(node, schema, values.types)
        if not is_known_onnx_operator(name):
            if is_foreign(node.domain) and (node.domain, node.op_type) not in functions:
                operators[PREFIX + name] = operators.pop(name)
                needs.append(custom_operator("onnx", name).introduced)
            else:
                underived.add(name)
            continue
        types = onnx_kernel_types(node, schema, values.types)
        found = onnx_limits(Node(onnx, node, schema, values), name, types)
        operators |= {f"{name} {note(limit, types)}": version for limit in found}
        limits += found
        kernel = onnx_kernel_introduced_at(name, version, types)
        if kernel > base:
            operators[f"{name} {types}"] = version  # the opset does not promise this kernel
            needs.append(kernel)
    needs += [limit.ends_at for limit in limits if limit.is_lifted]
    return Requirements(
        operators=dict(sorted(operators.items())),
        declared=declared,
        underived=tuple(sorted(underived)),
        opset=opset,
        ir_version=ir_version,
        engines={} if underived else without_limits(smallest_onnxruntime_release(needs), limits),
    )


def is_foreign(domain: str) -> bool:
    """Return whether operators of a domain come neither from ONNX nor from onnxruntime's own builds."""
    return domain not in {"", STANDARD, ML, "com.microsoft"} and not domain.startswith("ai.onnx.preview")


def _definition(onnx: Any, node: Any, declared: Mapping[str, int]) -> tuple[str, int, Any]:
    """Return an operator's name, the version of its definition in the file's opset, and that definition or None."""
    domain = node.domain or STANDARD
    name = node.op_type if domain == STANDARD else f"{domain}.{node.op_type}"
    opset = declared.get(domain, 1)
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "" if domain == STANDARD else domain)
    except onnx.defs.SchemaError:
        return name, max(1, opset), None
    return name, int(schema.since_version), schema


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
