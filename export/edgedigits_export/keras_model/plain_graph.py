"""A traced Keras model as one graph of constants and operators that both converters know."""

from __future__ import annotations

from typing import Any

from edgedigits.errors import UsageError
from edgedigits_export.keras_model.resizing import RESIZING, as_products
from edgedigits_export.lazy_imports import load

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
# By these marks TensorFlow leaves a function whole. Keras has grouped convolutions compiled.
_KEPT_WHOLE = ("_XlaMustCompile", "_noinline")


def in_plain_operators(function: Any) -> Any:
    """Return a concrete function with variables made constants, calls inlined, and resizing as products of matrices.

    Raises
    ------
    UsageError: something besides the model's weights would have to be in the file.

    """
    tools = load("tensorflow.python.framework.convert_to_constants")
    # The converters lose the variables of Keras 3 models.
    frozen = tools.convert_variables_to_constants_v2(function)
    if len(frozen.inputs) != 1:  # a table is no constant, and comes in beside the image
        raise UsageError(
            "expected a model that is made of its weights alone, found one with a table of TensorFlow or the like in "
            "it, which no file here can hold; save it without that"
        )
    kinds = {operation.type for operation in frozen.graph.get_operations()}
    return _rewritten(frozen) if kinds & (_CALLS | RESIZING) else frozen


def softmax_input(tensor: Any) -> Any | None:
    """Return the input of the softmax that ends a graph, or None where the graph ends otherwise."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor.op.inputs[0] if tensor.op.type == "Softmax" else None


def _rewritten(function: Any) -> Any:
    """Return a function with each resizing replaced by a call, and all calls replaced by what they do."""
    tools = load("tensorflow.python.eager.wrap_function")
    graph = function.graph.as_graph_def()
    for node in graph.node:
        if node.op in RESIZING:
            _call(graph, node, as_products(function, function.graph.get_operation_by_name(node.name)))
    for marked in (*graph.node, *graph.library.function):
        for mark in _KEPT_WHOLE:
            marked.attr.pop(mark, None)
    first, last = ([tensor.name for tensor in tensors] for tensors in (function.inputs, function.outputs))
    inlined = tools.function_from_graph_def(_inlined(graph, [*first, *last]), first, last)
    for old, new in zip(function.inputs + function.outputs, inlined.inputs + inlined.outputs, strict=True):
        new.set_shape(old.shape)
    return inlined


def _call(graph: Any, node: Any, function: Any) -> None:
    """Make a node of a graph a call of a concrete function of the node's first input."""
    graph.library.function.append(function.function_def)
    del node.input[1:]
    node.op = "PartitionedCall"
    node.attr.clear()
    node.attr["f"].func.name = function.name
    for key, tensors in (("Tin", function.inputs), ("Tout", function.outputs)):
        node.attr[key].list.type.extend(tensor.dtype.as_datatype_enum for tensor in tensors)


def _inlined(graph: Any, ends: list[str]) -> Any:
    """Return a graph whose calls Grappler, TensorFlow's optimizer of graphs, has replaced by what they do."""
    tf = load("tensorflow").compat.v1
    config, meta = tf.ConfigProto(), tf.MetaGraphDef(graph_def=graph)
    rewriting = config.graph_options.rewrite_options
    rewriting.min_graph_nodes = -1  # small graphs, too
    rewriting.optimizers.append("function")
    meta.collection_def["train_op"].node_list.value.extend(ends)
    return load("tensorflow.python.grappler.tf_optimizer").OptimizeGraph(config, meta)
