"""Ways up the graph of a Keras model: which layer made a tensor."""

from __future__ import annotations

from typing import Any


def producer(tensor: Any) -> tuple[Any, Any | None]:
    """Return the layer that made a symbolic tensor, and its node in the graph.

    Of a nested model it is the last layer, whose node belongs to another graph and is None.
    """
    history = tensor._keras_history  # noqa: SLF001  # there is no public way up a graph
    layer = history.operation
    if not getattr(layer, "layers", None):
        return layer, layer._inbound_nodes[history.node_index]  # noqa: SLF001
    return producer(layer.outputs[0])[0], None
