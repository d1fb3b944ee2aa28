"""Which limits of `limits.toml` one node of an ONNX graph runs into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgedigits_export.compat.limits import Limit, known_limits
from edgedigits_export.compat.onnx_kernels import same_variable_types
from edgedigits_export.compat.onnx_values import Values


@dataclass(frozen=True)
class Node:
    """One node with its operator's definition, or None, and what is known of the values around it."""

    onnx: Any
    proto: Any
    schema: Any
    values: Values

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The values of attributes by name, with the definition's defaults."""
        value = self.onnx.helper.get_attribute_value
        defined = {} if self.schema is None else self.schema.attributes
        found = {name: value(one.default_value) for name, one in defined.items() if one.default_value.type}
        found |= {one.name: value(one) for one in self.proto.attribute if one.type}
        return {name: one.decode(errors="replace") if isinstance(one, bytes) else one for name, one in found.items()}

    def constant(self, index: int) -> list[float] | None:
        """Return the numbers of an input, None where it is none or not constant."""
        name = self.proto.input[index] if index < len(self.proto.input) else ""
        constant = self.values.constants.get(name)
        if constant is None or isinstance(constant, list):
            return constant
        numbers: list[float] = self.onnx.numpy_helper.to_array(constant).ravel().tolist()
        return numbers

    def shape(self, index: int) -> tuple[int | None, ...] | None:
        """Return the shape of an input, None where it is not known."""
        return self.values.shapes.get(self.proto.input[index]) if index < len(self.proto.input) else None


def onnx_limits(node: Node, name: str, types: str) -> list[Limit]:
    """Return the limits that a node runs into; ``name`` is its operator's, ``types`` are its kernel's."""
    return [limit for limit in known_limits()["onnx"] if limit.is_of(name, types) and _applies(limit, node)]


def _applies(limit: Limit, node: Node) -> bool:
    count = sum(map(bool, node.proto.input))
    conditions = (
        (limit.inputs_above, lambda most: count > most),
        (limit.inputs_below, lambda least: count < least),
        (limit.attributes, lambda wanted: all(node.attributes.get(key) in values for key, values in wanted.items())),
        (limit.when, lambda when: WHEN[when](node)),
    )
    return all(holds(value) for value, holds in conditions if value is not None)


def _attribute_type(node: Node) -> bool:
    if node.schema is None:
        return False
    defined = node.schema.attributes
    return any(
        one.name in defined and one.type and int(defined[one.name].type.value) != one.type
        for one in node.proto.attribute
    )


def _types_differ(node: Node) -> bool:
    return node.schema is not None and any(
        len(kinds) > 1 for kinds in same_variable_types(node.proto, node.schema, node.values.types)
    )


def _long_output_shape(node: Node) -> bool:
    shape = node.shape(0)
    return shape is not None and len(node.attributes.get("output_shape") or ()) > len(shape) - 2


def _ranks_differ(node: Node) -> bool:
    index = 3 if node.proto.op_type == "QLinearConv" else 1
    shapes = node.shape(0), node.shape(index)
    return all(shape is not None for shape in shapes) and len({len(shape or ()) for shape in shapes}) > 1


def _pads_beside_auto_pad(node: Node) -> bool:
    return node.attributes.get("auto_pad", "NOTSET") != "NOTSET" and bool(node.attributes.get("pads"))


def _no_float8_given(node: Node) -> bool:
    return not node.values.types.get(node.proto.output[0], "float8").startswith("float8")


def _scale_count(node: Node) -> bool:
    data, scales, axis = node.shape(0), node.shape(1), node.attributes.get("axis")
    if not data or not scales or len(scales) != 1 or scales[0] in {1, None} or node.attributes.get("block_size"):
        return False
    return axis is not None and -len(data) <= axis < len(data) and data[axis] not in {None, scales[0]}


def _negative_axes(node: Node) -> bool:
    axes = node.attributes.get("axes") or node.constant(3)
    return any(axis < 0 for axis in axes or ())


def _fractional_size(node: Node) -> bool:
    """Return whether scales give no whole sizes; scales that the file does not tell may, where they shrink."""
    shape, scales = node.shape(0), node.constant(2)
    if not shape or not any(node.proto.input[2:3]):
        return False
    if scales is None:
        shrunk = node.values.shapes.get(node.proto.output[0], ())
        return any(small is None or size is None or small < size for small, size in zip(shrunk, shape, strict=False))
    if len(scales) != len(shape):
        return False
    sizes = [size * scale for size, scale in zip(shape, scales, strict=True) if size is not None]
    return any(abs(size - round(size)) > 1e-4 for size in sizes)


def _squares_a_dequantized_value(node: Node) -> bool:
    first, second = node.proto.input
    return first == second and first in node.values.dequantized


WHEN: dict[str, Callable[[Node], bool]] = {
    "attribute type": _attribute_type,
    "types differ": _types_differ,
    "long output shape": _long_output_shape,
    "ranks differ": _ranks_differ,
    "pads beside auto_pad": _pads_beside_auto_pad,
    "no float8 given": _no_float8_given,
    "scale count": _scale_count,
    "negative axes": _negative_axes,
    "fractional size": _fractional_size,
    "squares a dequantized value": _squares_a_dequantized_value,
}
