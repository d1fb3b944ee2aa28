"""Which operators of a converted file stay in float where the others become integers, whatever the recipe is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

# By the names of TFLite, and by those of ONNX.
_MEANS = frozenset({"MEAN", "SUM", "GlobalAveragePool", "ReduceMean", "ReduceSum"})
_SQUARES = frozenset({"MUL", "SQUARE", "SQUARED_DIFFERENCE", "Mul", "Pow"})
_ROOTS = frozenset({"RSQRT", "SQRT", "Sqrt"})
_ELEMENTWISE = _MEANS | _SQUARES | _ROOTS | {"ADD", "DIV", "MAXIMUM", "SUB", "Add", "Div", "Max", "Reciprocal", "Sub"}
_PRODUCTS = frozenset({"Conv", "Gemm", "MatMul"})
_GATES = frozenset({
    "Add", "Concat", "Mul", "Relu", "Reshape", "Sigmoid", "Slice", "Split", "Squeeze", "Sub", "Tanh", "Transpose",
    "Unsqueeze",
})  # fmt: skip

Tensor = str | int


class Node(NamedTuple):
    """An operator of a file: its type, and the tensors that it reads and writes."""

    kind: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def normalizations(operators: Sequence[Node]) -> set[int]:
    """Return the indices of those of a file's ``operators``, in order of computation, that normalise by a variance.

    A variance has the square of the range of its values, of which 8 bits may keep nothing but zero. Layer, group and
    root mean square normalizations compute one; batch normalization is a part of the layer before. What counts lies
    after a mean (and with it, the square before) and on the way to or from a root, with nothing but sums, products and
    the like in between.
    """
    means = {index for index, each in enumerate(operators) if each.kind in _MEANS}
    averaged = {tensor for index in means for tensor in operators[index].inputs}
    squares = {
        index for index, each in enumerate(operators) if each.kind in _SQUARES and averaged.intersection(each.outputs)
    }
    following = _following(operators, means, _ELEMENTWISE)
    roots = {index for index in following if operators[index].kind in _ROOTS}
    near = _following(operators, roots, _ELEMENTWISE) | _preceding(operators, roots, _ELEMENTWISE)
    return (following | squares) & near


def gates(operators: Sequence[Node], constants: AbstractSet[Tensor]) -> set[int]:
    """Return the indices of those of an ONNX file's ``operators`` that lie between the steps of a recurrent layer.

    They are what lies between two products with the same weights. Every integer there costs two operators more, so that
    the file is smaller without them, and a state that is rounded at each step is worth less.
    """
    weights = {index: each.inputs[1] for index, each in enumerate(operators) if each.kind in _PRODUCTS}
    uses = Counter(tensor for tensor in weights.values() if tensor in constants)
    steps = {index for index, tensor in weights.items() if uses[tensor] > 1}
    return (_following(operators, steps, _GATES) & _preceding(operators, steps, _GATES)) - steps


def _following(operators: Sequence[Node], first: Iterable[int], kinds: AbstractSet[str]) -> set[int]:
    """Return the operators ``first``, and those that read what they write, by operators of some ``kinds`` alone."""
    found = set(first)
    written = {tensor for index in found for tensor in operators[index].outputs}
    for index, each in enumerate(operators):
        if each.kind in kinds and written.intersection(each.inputs):
            found.add(index)
            written.update(each.outputs)
    return found


def _preceding(operators: Sequence[Node], last: Iterable[int], kinds: AbstractSet[str]) -> set[int]:
    """Return the operators ``last``, and those that write what they read, by operators of some ``kinds`` alone."""
    backwards = [Node(each.kind, each.outputs, each.inputs) for each in reversed(operators)]
    end = len(operators) - 1
    return {end - index for index in _following(backwards, [end - index for index in last], kinds)}
