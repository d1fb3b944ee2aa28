"""Rewrite a network so that each layer is one operator of the converted file.

The converters do this themselves, each in its way. Training on the grid of a file has to know what its operators are,
so the network is rewritten before, with names that say which layer an operator comes from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
from keras import layers

from edgedigits.errors import UsageError
from edgedigits_train.quantization.folding import fold_affine, fold_factor
from edgedigits_train.quantization.kinds import WEIGHTED, activation_of
from edgedigits_train.quantization.network import Edge, Network, Node, free_name, new_node

# Layers of which nothing is left at inference; those that draw at random have names that begin alike.
_IDENTITIES = frozenset({
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity",
    "SpatialDropout2D",
})  # fmt: skip
_RANDOM = "Random"
_OPERATIONS = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide")


def lower(network: Network) -> Network:
    """Return a network that computes the same at inference.

    It has no batch normalisation that can be folded, no separable convolutions, no activations inside other layers and
    no layers without effect, and it ends in a softmax.

    Raises
    ------
    UsageError: the network ends in another activation than a softmax, or has operations that are no layers.

    """
    steps = (
        _with_layer, _dropped, _with_split_separable, _with_split_activation, _with_split_swish, fold_affine,
        fold_factor,
    )  # fmt: skip
    for step in steps:
        for name in list(network.nodes):
            network = step(network, network.nodes[name])
    _require_layers(network)
    return _ending_in_softmax(network)


def _with_layer(network: Network, node: Node) -> Network:
    """Replace the operation of ``x + y`` or ``x / 6`` by the layer that computes it: a file names only layers."""
    if node.kind not in _OPERATIONS or isinstance(node.layer, keras.Layer):
        return network
    args, options = node.arguments
    first, second = (None if isinstance(arg, Edge) else arg for arg in args)
    layer = _layer_of(node.kind, first, second, node.name)
    if layer is None or options:
        return network
    return network.replaced(node.name, new_node(layer, node.inputs, node.shape))


def _layer_of(kind: str, first: float | None, second: float | None, name: str) -> Any | None:
    """Return a layer of two tensors, or of one and a number; None where there is none."""
    if first is None and second is None:
        return getattr(layers, kind)(name=name) if hasattr(layers, kind) else None
    number = second if first is None else first
    if not isinstance(number, int | float):
        return None
    stands_behind = first is None
    match kind:
        case "Add":
            scale, offset = 1.0, number
        case "Subtract":
            scale, offset = (1.0, -number) if stands_behind else (-1.0, number)
        case "Multiply":
            scale, offset = number, 0.0
        case _ if stands_behind:
            scale, offset = 1 / number, 0.0
        case _:
            return None
    return layers.Rescaling(scale, offset, name=name)


def _dropped(network: Network, node: Node) -> Network:
    reshapes = node.kind in {"Flatten", "Reshape"} and node.shape == _shape(network, node.inputs[0])
    idle = node.kind in _IDENTITIES or node.kind.startswith(_RANDOM) or activation_of(node) == "linear"
    return network.replaced(node.name) if reshapes or idle else network


def _shape(network: Network, name: str) -> tuple[int, ...]:
    return network.shape if name == network.input else network.nodes[name].shape


def _with_split_separable(network: Network, node: Node) -> Network:
    """Replace a separable convolution by the depthwise and the pointwise one that it consists of."""
    if node.kind != "SeparableConv2D":
        return network
    config = node.layer.get_config()
    spatial = {key: config[key] for key in ("kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier")}
    first, second, *bias = node.weights
    depthwise = new_node(
        layers.DepthwiseConv2D(**spatial, use_bias=False, name=free_name(f"{node.name}_depth", network.nodes)),
        node.inputs,
        (*node.shape[:2], first.shape[2] * first.shape[3]),
        (first,),
    )
    pointwise = new_node(
        layers.Conv2D(
            config["filters"], 1, use_bias=config["use_bias"], activation=node.layer.activation, name=node.name
        ),
        (depthwise.name,),
        node.shape,
        (second, *bias),
    )
    return network.replaced(node.name, depthwise, pointwise)


def _with_split_activation(network: Network, node: Node) -> Network:
    """Make the activation inside a layer a layer of its own."""
    if node.kind not in {*WEIGHTED, "SeparableConv2D"} or node.layer.activation is keras.activations.linear:
        return network
    function = node.layer.activation
    name = free_name(f"{node.name}_{getattr(function, '__name__', 'activation')}", network.nodes)
    linear = replace(node, layer=type(node.layer).from_config(node.layer.get_config() | {"activation": "linear"}))
    activation = new_node(layers.Activation(function, name=name), (node.name,), node.shape)
    return network.replaced(node.name, linear, activation)


def _with_split_swish(network: Network, node: Node) -> Network:
    """Write ``x * sigmoid(x)`` as two layers: a converted file has both operators, and a range between them."""
    if activation_of(node) != "silu":
        return network
    (source,) = node.inputs
    sigmoid = layers.Activation("sigmoid", name=free_name(f"{node.name}_sigmoid", network.nodes))
    return network.replaced(
        node.name,
        new_node(sigmoid, (source,), node.shape),
        new_node(layers.Multiply(name=node.name), (source, sigmoid.name), node.shape),
    )


def _require_layers(network: Network) -> None:
    operation = next((node for node in network.nodes.values() if not isinstance(node.layer, keras.Layer)), None)
    if operation:
        raise UsageError(
            f"--from: expected layers, found the operation {operation.name!r} ({operation.kind}), which has no name in "
            "a file to tell its range by; write it as a layer"
        )


def _ending_in_softmax(network: Network) -> Network:
    last = network.output
    function = activation_of(last)
    if function == "softmax":
        return network
    if len(last.shape) != 1 or function is not None:
        found = f"the activation {function}" if function else f"outputs {list(last.shape)}"
        raise UsageError(f"--from: expected a classifier that ends in a softmax or in its scores, found {found}")
    softmax = layers.Softmax(name=free_name("softmax", network.nodes))
    return replace(network, nodes=network.nodes | {softmax.name: new_node(softmax, (last.name,), last.shape)})
