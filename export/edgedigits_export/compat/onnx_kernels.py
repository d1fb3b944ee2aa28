"""Which release of onnxruntime has a kernel for a version of an operator on these types: `onnx.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from edgedigits_export.compat.onnx_tables import onnx_tables
from edgedigits_export.compat.releases import NEVER, ReleasePoint, parse_point

UNKNOWN = "?"
_ANY = "*"
# The input whose type an operator of com.microsoft passes on, where it is not the first; -1 stands for float.
_TYPE_FROM = {
    "DequantizeLinear": -1,
    "DynamicQuantizeMatMul": -1,
    "MatMulIntegerToFloat": -1,
    "QAttention": -1,
    "QLinearConcat": 1,
    "QuantizeLinear": 2,
}


def onnx_kernel_types(node: Any, schema: Any, dtypes: Mapping[str, str]) -> str:
    """Return the types that a kernel of onnxruntime is chosen by, one for each type variable of the definition.

    An operator without a definition here (``schema`` is None) has the type of its first input. ``dtypes`` are the
    types of the graph's values by name. ``?`` stands for a type that is not known, and nothing for a variable of an
    operand that the node leaves out.
    """
    if schema is None:
        return dtypes.get(node.input[0], UNKNOWN) if node.input else UNKNOWN
    found = {variable: kinds for variable, kinds in _by_variable(node, schema, dtypes).items() if kinds}
    used = {formal.type_str for formal in (*schema.inputs, *schema.outputs)}
    variables = [one.type_param_str for one in schema.type_constraints if one.type_param_str in used]
    return ",".join(_first_known(found.get(variable, [""])) for variable in variables)


def same_variable_types(node: Any, schema: Any, dtypes: Mapping[str, str]) -> Iterator[set[str]]:
    """Yield the types of the operands that share a type variable, as far as they are known."""
    mixed = {formal.type_str for formal in (*schema.inputs, *schema.outputs) if not formal.is_homogeneous}
    for variable, kinds in _by_variable(node, schema, dtypes).items():
        if variable not in mixed:
            yield {kind for kind in kinds if kind != UNKNOWN}


def _by_variable(node: Any, schema: Any, dtypes: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the types of a node's operands by the type variable of their formal parameters."""
    found: dict[str, list[str]] = {}
    for names, formals in ((node.input, schema.inputs), (node.output, schema.outputs)):
        for name, formal in _operands(names, formals):
            if name:
                found.setdefault(formal.type_str, []).append(dtypes.get(name, UNKNOWN))
    return found


def fill_output_types(node: Any, schema: Any, dtypes: dict[str, str]) -> None:
    """Give a node's outputs the types that shape inference did not find, as far as its inputs' types tell.

    It stops at operators of com.microsoft, which it does not know: these give what their first input has.
    """
    if schema is None:
        index = _TYPE_FROM.get(node.op_type, 0)
        known = dtypes.get(node.input[index], UNKNOWN) if 0 <= index < len(node.input) else "float"
        given = dict.fromkeys(node.output[:1], known)
    else:
        found = {variable: _first_known(kinds) for variable, kinds in _by_variable(node, schema, dtypes).items()}
        given = {name: found.get(formal.type_str, UNKNOWN) for name, formal in _operands(node.output, schema.outputs)}
    for name, kind in given.items():
        if name and kind != UNKNOWN:
            dtypes.setdefault(name, kind)


def _first_known(kinds: Sequence[str]) -> str:
    return next((kind for kind in kinds if kind != UNKNOWN), UNKNOWN)


def _operands(names: Sequence[str], formals: Sequence[Any]) -> Iterable[tuple[str, Any]]:
    """Return each operand with its formal parameter; the last one may stand for any number."""
    return ((name, formals[min(index, len(formals) - 1)]) for index, name in enumerate(names) if formals)


def is_known_onnx_operator(operator: str) -> bool:
    """Return whether the table has an operator; its versions and types are then known, too."""
    return operator in onnx_tables().kernels


@cache
def onnx_kernel_introduced_at(operator: str, version: int, types: str) -> ReleasePoint:
    """Return when onnxruntime's kernel for a version of an operator was introduced; `NEVER` where it has none."""
    versions = onnx_tables().kernels[operator]
    rows = [number for number in map(int, versions) if number <= version]
    if not rows:
        return NEVER
    wanted = types.split(",")
    for introduced, products in versions[str(max(rows))].items():
        if any(_is_one_of(wanted, product) for product in products):
            return parse_point(introduced)
    return NEVER


def _is_one_of(types: Sequence[str], product: str) -> bool:
    if product == _ANY:
        return True
    allowed = [part.split() for part in product.split("|")]
    return len(allowed) == len(types) and all(
        kind in {UNKNOWN, ""} or kind in kinds or not kinds for kind, kinds in zip(types, allowed, strict=True)
    )
