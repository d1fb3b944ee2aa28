"""Change ONNX graphs, without changing what they compute, between the converter, the quantizer and the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgedigits_export.convert.kept_float import Node, gates, normalizations
from edgedigits_export.lazy_imports import load

_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_DEFAULT_DOMAIN = ""


def opset(model: Any) -> int:
    """Return the version of the standard operators that a model is written in."""
    return next(int(entry.version) for entry in model.opset_import if entry.domain in (_DEFAULT_DOMAIN, "ai.onnx"))


def replace_erfc(model: Any) -> None:
    """Replace Erfc, which TensorFlow's GELU uses and ONNX does not have, by ``1 - Erf(x)``."""
    onnx = load("onnx")
    for index, node in reversed(list(enumerate(model.graph.node))):
        if node.op_type != "Erfc":
            continue
        (source,), (result,) = node.input, node.output
        one, erf = f"{result}/one", f"{result}/erf"
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), one))
        model.graph.node[index].CopyFrom(onnx.helper.make_node("Sub", [one, erf], [result]))
        model.graph.node.insert(index, onnx.helper.make_node("Erf", [source], [erf]))


def fix_reshapes(model: Any, input_shape: tuple[int, int, int]) -> None:
    """Give every Reshape that computes its shape at run time a constant shape, where only the batch axis varies.

    A free batch axis makes tf2onnx write Shape, Gather, Cast, Slice, Concat before each Flatten. The result is measured
    for two batch sizes; where one axis alone differs, -1 there says the same. With ranks known again, onnxruntime fuses
    each Dense layer into one Gemm, so that int8 keeps its bias in 32 bits.
    """
    constant = {initializer.name for initializer in model.graph.initializer}
    computed = [n for n in model.graph.node if n.op_type == "Reshape" and n.input[1] not in constant]
    if not computed:
        return
    two, three = (_shapes(model, [node.output[0] for node in computed], batch, input_shape) for batch in (2, 3))
    # In the order of the nodes: names of tf2onnx hold numbers that go on counting from one model to the next.
    for node, shape, other in zip(computed, two, three, strict=True):
        varies = np.not_equal(shape, other)
        if varies.sum() > 1 or not np.all(shape):
            continue
        values = np.where(varies, -1, shape).astype(np.int64)
        name = f"{node.input[1]}/{values.tolist()}"
        if name not in constant:
            constant.add(name)
            model.graph.initializer.append(load("onnx").numpy_helper.from_array(values, name))
        node.input[1] = name
    _drop_unused(model)


def float_nodes(model: Any) -> list[str]:
    """Return the nodes that are not quantized: see `_unweighted_nodes`, `normalizations` and `gates`."""
    operators = [Node(node.op_type, tuple(node.input), tuple(node.output)) for node in model.graph.node]
    kept = normalizations(operators) | gates(operators, {entry.name for entry in model.graph.initializer})
    return list(dict.fromkeys([*_unweighted_nodes(model), *(model.graph.node[index].name for index in sorted(kept))]))


def _unweighted_nodes(model: Any) -> list[str]:
    """Return softmax, its readers, and what precedes the first weights."""
    weights = {initializer.name for initializer in model.graph.initializer}
    excluded: list[str] = []
    unweighted = {entry.name for entry in model.graph.input}
    for node in model.graph.node:
        if node.op_type in _WEIGHTED and node.input[1] in weights:
            continue
        inputs = [name for name in node.input if name and name not in weights]
        if node.op_type == "Softmax" or all(name in unweighted for name in inputs):
            excluded.append(node.name)
            unweighted.update(node.output)
    return excluded


def keep_used_opsets(model: Any, version: int) -> None:
    """Drop the operator domains that onnxruntime's optimizer declares and no node of the graph uses."""
    used = {node.domain for node in model.graph.node} | {_DEFAULT_DOMAIN}
    kept = [(entry.domain, int(entry.version)) for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    for domain, declared in kept:
        model.opset_import.add(domain=domain, version=declared if domain else version)


def rename(model: Any, input_name: str, output_name: str) -> None:
    """Give the contract's names to input and output, short numbered names to the rest; name the free axis N."""
    graph = model.graph
    names = {"": "", graph.input[0].name: input_name, graph.output[0].name: output_name}
    for index, initializer in enumerate(graph.initializer):
        names.setdefault(initializer.name, f"c{index}")
        initializer.name = names[initializer.name]
    for index, node in enumerate(graph.node):
        for position, name in enumerate(node.output):
            names.setdefault(name, f"{node.op_type}{index}" + (f"_{position}" if position else ""))
    for index, node in enumerate(graph.node):
        node.name, node.doc_string = f"{node.op_type}{index}", ""
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for end in (graph.input[0], graph.output[0]):
        end.name = names[end.name]
        end.type.tensor_type.shape.dim[0].dim_param = "N"
    del graph.value_info[:]
    graph.name, graph.doc_string = "edgedigits", ""


def free_size(model: Any) -> None:
    """Let height and width of the image, and of what comes out, be any: convolutions do not depend on them.

    An image of one channel becomes channels-first by a Reshape to a fixed size, which a Transpose does for any size.
    """
    height, width = (dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:3])
    constants = {entry.name: load("onnx").numpy_helper.to_array(entry) for entry in model.graph.initializer}
    for index, node in enumerate(model.graph.node):
        if node.op_type == "Reshape" and constants.get(node.input[1], np.array([])).tolist() == [-1, 1, height, width]:
            turned = load("onnx").helper.make_node("Transpose", node.input[:1], node.output, perm=[0, 3, 1, 2])
            model.graph.node[index].CopyFrom(turned)
    _drop_unused(model)
    for end, names in ((model.graph.input[0], ("H", "W")), (model.graph.output[0], ("h", "w"))):
        for axis, name in enumerate(names, start=1):
            end.type.tensor_type.shape.dim[axis].dim_param = name


def _shapes(model: Any, names: list[str], batch: int, input_shape: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """Return the shapes of tensors inside the graph for one batch size."""
    onnx, runtime = load("onnx"), load("onnxruntime")
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    known = {entry.name for entry in probe.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    session = runtime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.zeros((batch, *input_shape), np.uint8)
    return [value.shape for value in session.run(names, {model.graph.input[0].name: images})]


def _drop_unused(model: Any) -> None:
    """Remove the nodes and constants that no node reads."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input} | {entry.name for entry in graph.output}
        idle = [node for node in graph.node if not read.intersection(node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    for initializer in [entry for entry in graph.initializer if entry.name not in read]:
        graph.initializer.remove(initializer)
