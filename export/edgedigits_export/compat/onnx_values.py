"""What is known of an ONNX graph's values without running it: types, shapes and constants.

A type is a text: ``float``, ``int64``, ``seq(float)``, ``optional(seq(int8))``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a graph, and of the graphs inside its nodes, by name.

    Attributes
    ----------
    types: as texts.
    shapes: an axis whose size is open is None.
    constants: tensors of initializers and of Constant nodes, or lists of numbers.
    dequantized: what DequantizeLinear nodes give.

    """

    types: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    dequantized: set[str] = field(default_factory=set)


def read_values(onnx: Any, model: Any) -> Values:
    """Return what is known of all values, as far as shape inference finds it."""
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except onnx.shape_inference.InferenceError:
        graph = model.graph
    found = Values()
    _collect(onnx, graph, found)
    return found


def _collect(onnx: Any, graph: Any, found: Values) -> None:
    for value in (*graph.input, *graph.value_info, *graph.output):
        _add_value(onnx, value, found)
    for tensor in graph.initializer:
        _add_constant(onnx, tensor.name, tensor, found)
    for sparse in graph.sparse_initializer:
        found.types[sparse.values.name] = _element(onnx, sparse.values.data_type)
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            found.dequantized.add(node.output[0])
        for attribute in node.attribute:
            if node.op_type == "Constant":
                _add_constant_node(onnx, node.output[0], attribute, found)
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                _collect(onnx, inner, found)


def _add_value(onnx: Any, value: Any, found: Values) -> None:
    if text := type_text(onnx, value.type):
        found.types[value.name] = text
    tensor = value.type.tensor_type
    if tensor.HasField("shape"):
        sizes = (axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
        found.shapes[value.name] = tuple(sizes)


def _add_constant_node(onnx: Any, name: str, attribute: Any, found: Values) -> None:
    if attribute.name == "value":
        _add_constant(onnx, name, attribute.t, found)
    elif attribute.name in {"value_ints", "value_floats"}:
        found.constants[name] = [*attribute.ints, *attribute.floats]


def _add_constant(onnx: Any, name: str, tensor: Any, found: Values) -> None:
    found.types[name] = _element(onnx, tensor.data_type)
    found.shapes[name] = tuple(tensor.dims)
    found.constants[name] = tensor


def type_text(onnx: Any, kind: Any) -> str:
    """Return a type as a text; an empty one where it is not known."""
    which = kind.WhichOneof("value")
    if which in {"tensor_type", "sparse_tensor_type"}:
        return _element(onnx, getattr(kind, which).elem_type)
    if which in {"sequence_type", "optional_type"}:
        inner = type_text(onnx, getattr(kind, which).elem_type)
        return f"{'seq' if which == 'sequence_type' else 'optional'}({inner})" if inner else ""
    if which == "map_type":
        value = type_text(onnx, kind.map_type.value_type)
        return f"map({_element(onnx, kind.map_type.key_type)},{value})" if value else ""
    return ""


def _element(onnx: Any, number: int) -> str:
    name = onnx.TensorProto.DataType.Name(number).lower()
    return "" if name == "undefined" else name
