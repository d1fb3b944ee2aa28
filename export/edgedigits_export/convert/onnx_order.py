"""One order of nodes and constants for one graph: that of tf2onnx differs from process to process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

_COUNTED = re.compile(r"__\d+")  # what tf2onnx adds to names, and counts on from one conversion to the next


def put_in_order(model: Any) -> None:
    """Sort the nodes of a graph as its output is computed, what a node reads before it; constants by name.

    Names count without the numbers of tf2onnx, from the last to the first, and of equal ones the first use. A constant
    with several readers may have been several equal ones, and has the name of any: those come last, by first use.
    """
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
    readers = Counter(name for node in graph.node for name in _read(node))
    uses = {name: use for use, name in enumerate(readers)}
    graph.initializer.sort(key=lambda entry: uses.get(entry.name, len(uses)))
    graph.initializer.sort(key=lambda entry: _COUNTED.sub("", entry.name), reverse=True)
    graph.initializer.sort(key=lambda entry: uses[entry.name] if readers[entry.name] > 1 else -1)


def _read(node: Any) -> Iterator[str]:
    """Yield the tensors that a node reads, those included that its branches take from around them."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from _read(inner)
