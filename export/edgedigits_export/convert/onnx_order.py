"""One order of nodes and constants for one graph: that of tf2onnx and of onnxruntime follows names and hashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def put_in_order(model: Any) -> None:
    """Sort the nodes of a graph as its output is computed, what a node reads before it; constants by first use."""
    graph = model.graph
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    order: dict[int, None] = {}
    waiting = [makers[entry.name] for entry in reversed(graph.output)]
    while waiting:
        read = (makers[name] for name in _read(graph.node[waiting[-1]]) if name in makers)
        missing = [index for index in read if index not in order]
        waiting.extend(reversed(missing))
        if not missing:
            order[waiting.pop()] = None
    places = {graph.node[index].output[0]: place for place, index in enumerate(order)}
    graph.node.sort(key=lambda node: places.get(node.output[0], len(places)))
    uses = {name: use for use, name in enumerate(dict.fromkeys(name for node in graph.node for name in _read(node)))}
    graph.initializer.sort(key=lambda entry: uses.get(entry.name, len(uses)))


def _read(node: Any) -> Iterator[str]:
    """Yield the tensors that a node reads, those included that its branches take from around them."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read(inner)
