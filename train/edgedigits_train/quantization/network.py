"""A Keras classifier as a flat list of layers: traced from a model, changed, and built into a model again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

import keras
import numpy as np
from keras import tree
from numpy.typing import NDArray

from edgedigits.errors import UsageError

# The endings of settings by which Keras keeps weights small.
_HELD_BACK = ("_regularizer", "_constraint")
Weights = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """A tensor between two layers, known by the name of the layer that makes it."""

    source: str


@dataclass(frozen=True, slots=True)
class Node:
    """One layer, and what it is called with.

    Attributes
    ----------
    layer: a layer or operation of Keras, from which one like it is made; its own weights are not used.
    arguments: positional and named arguments of the call, with an `Edge` in place of each tensor.
    shape: the shape of its output without the batch axis.
    weights: the values of its weights, in the order of ``layer.weights``.

    """

    name: str
    layer: Any
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    shape: tuple[int, ...]
    weights: Weights = ()

    @property
    def kind(self) -> str:
        """The name of the layer's class."""
        return type(self.layer).__name__

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers whose outputs it takes."""
        return tuple(leaf.source for leaf in tree.flatten(self.arguments) if isinstance(leaf, Edge))

    def reading(self, old: str, new: str) -> Node:
        """Return the node with the output of ``new`` as its input wherever that of ``old`` is."""
        arguments = tree.map_structure(lambda leaf: Edge(new) if leaf == Edge(old) else leaf, self.arguments)
        return replace(self, arguments=arguments)

    def fresh_layer(self) -> Any:
        """Return a new layer like this one, without its weights; an operation, which has none, as it is.

        It computes in float32 and can be trained, whatever the own one did, without what would hold its weights back.
        """
        if not isinstance(self.layer, keras.Layer):
            return self.layer
        config = self.layer.get_config() | {"name": self.name, "dtype": "float32", "trainable": True}
        return type(self.layer).from_config(config | {key: None for key in config if key.endswith(_HELD_BACK)})


def new_node(layer: Any, sources: Sequence[str], shape: tuple[int, ...], weights: Weights = ()) -> Node:
    """Return the node of a layer that is called with one tensor, or with a list of several."""
    edges = [Edge(source) for source in sources]
    return Node(layer.name, layer, ((edges if len(edges) > 1 else edges[0],), {}), shape, weights)


@dataclass(frozen=True, slots=True)
class Network:
    """A network with one image input and one output.

    Attributes
    ----------
    name: the name of the model.
    input: the name of the input.
    shape: ``(H, W, C)`` of an image.
    nodes: the layers by name, in the order of computation; the last one makes the output.

    """

    name: str
    input: str
    shape: tuple[int, ...]
    nodes: dict[str, Node]

    @property
    def output(self) -> Node:
        """The node that makes the output."""
        return next(reversed(self.nodes.values()))

    def readers(self, name: str) -> list[Node]:
        """Return the nodes that take the output of one."""
        return [node for node in self.nodes.values() if name in node.inputs]

    def replaced(self, name: str, *by: Node) -> Network:
        """Return the network with other nodes in the place of one; the last of them is read where that was read.

        Without other nodes it is left out, and what it read is read in its place.
        """
        last = by[-1].name if by else self.nodes[name].inputs[0]
        nodes: dict[str, Node] = {}
        for node in self.nodes.values():
            for each in by if node.name == name else (node.reading(name, last),):
                nodes[each.name] = each
        return replace(self, nodes=nodes)

    def build(self, call: Callable[..., Any], enter: Callable[[Any], Any] = lambda image: image) -> keras.Model:
        """Return a Keras model of the network.

        ``call(node, *args, **options)`` makes the output of a node from the tensors that go into it, ``enter`` makes
        what the first layers read from the image.
        """
        image = keras.Input(self.shape, name=self.input)
        made = {self.input: enter(image)}
        for node in self.nodes.values():
            args, options = tree.map_structure(
                lambda leaf: made[leaf.source] if isinstance(leaf, Edge) else leaf, node.arguments
            )
            made[node.name] = call(node, *args, **options)
        return keras.Model(image, made[self.output.name], name=self.name)

    def to_model(self) -> keras.Model:
        """Return the network as a Keras model with the nodes' layers and weights."""
        model = self.build(lambda node, *args, **options: node.fresh_layer()(*args, **options))
        self.set_weights(model)
        return model

    def set_weights(self, model: keras.Model) -> None:
        """Give the layers of a model the weights of the nodes with their names."""
        for node in self.nodes.values():
            if node.weights:
                model.get_layer(node.name).set_weights(node.weights)


def trace(model: keras.Model) -> Network:
    """Return the layers of a Sequential or Functional model, with those of the models inside it.

    Raises
    ------
    UsageError: the model has not exactly one input and one output, or a layer of which no operator can be known.

    """
    ends = [list(getattr(model, end, None) or ()) for end in ("inputs", "outputs")]
    if [len(end) for end in ends] != [1, 1]:
        raise UsageError(
            "--from: expected a Sequential or Functional model with one input and one output, found "
            f"{len(ends[0])} and {len(ends[1])}"
        )
    (image,), _ = ends
    nodes: dict[str, Node] = {}
    _walk(model, image, {id(image): image.name}, nodes)
    return Network(model.name, image.name, tuple(image.shape[1:]), nodes)


def _walk(model: keras.Model, image: Any, names: dict[int, str], nodes: dict[str, Node]) -> Any:
    """Call a model's layers on a symbolic image and append them to ``nodes``; return the symbolic output.

    ``names`` says by the identity of a symbolic tensor which layer made it.
    """

    def call(layer: Any, *args: Any, **options: Any) -> Any:
        if getattr(layer, "layers", None) and len(layer.inputs) == len(layer.outputs) == 1:
            return _walk(layer, args[0], names, nodes)
        weights = tuple(layer.get_weights()) if isinstance(layer, keras.Layer) else ()
        output = layer(*args, **options)
        if fault := _fault(layer, output, again=bool(weights) and any(layer is node.layer for node in nodes.values())):
            raise UsageError(f"--from: layer {layer.name!r} {fault}")
        arguments = tree.map_structure(
            lambda leaf: Edge(names[id(leaf)]) if id(leaf) in names else leaf, (args, options)
        )
        name = free_name(layer.name, nodes)
        names[id(output)] = name
        nodes[name] = Node(name, layer, arguments, tuple(output.shape[1:]), weights)
        return output

    functional = keras.Model(model.inputs[0], model.outputs[0])
    # keras.models.clone_model walks the same way, but copies each layer, and keeps models inside models.
    return functional._run_through_graph(image, operation_fn=lambda layer: layer, call_fn=call)  # noqa: SLF001


def _fault(layer: Any, output: Any, *, again: bool) -> str | None:
    """Return what makes a layer one that cannot be trained here."""
    if again:
        return "is called more than once, expected one use of its weights; give each call a layer of its own"
    if not isinstance(output, keras.KerasTensor):
        return "has several outputs, expected one"
    if getattr(layer, "data_format", None) == "channels_first":
        return "has its channels first, expected them last"
    if getattr(getattr(layer, "dtype_policy", None), "quantization_mode", None):
        return "was quantized by Keras, expected a model in float; name the one before quantize()"
    return None


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name, or one with a number after it, that is not taken."""
    return next(each for each in chain([name], (f"{name}_{n}" for n in count(2))) if each not in taken)
