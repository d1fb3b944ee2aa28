"""The fake-quantized twin of a network: the same layers, with all values on the grid that the int8 file has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras

from edgedigits.training_record import TrainedQuantization
from edgedigits_train.quantization.kinds import AVERAGE, JOIN, MOVING, WEIGHTED
from edgedigits_train.quantization.layers import FakeQuantize, QuantizedWeights
from edgedigits_train.quantization.network import Network, Node, trace
from edgedigits_train.quantization.plan import Plan, Range, plan_ranges

# Not a name that people give.
_RANGE = "{}__range"
# Its statistics stay what they are, as in the file.
_NORMALISING = "BatchNormalization"


def build_twin(network: Network, plan: Plan, ranges: Mapping[str, Range]) -> keras.Model:
    """Return the twin, with ``ranges`` by the names of the plan; its weights and ranges can be trained."""
    rounding = {
        group: FakeQuantize(*ends, fixed=group in plan.fixed, name=_RANGE.format(group))
        for group, ends in ranges.items()
    }

    def call(node: Node, *args: Any, **options: Any) -> Any:
        layer = node.fresh_layer()
        if node.kind in WEIGHTED:
            layer = QuantizedWeights(layer, name=node.name)
        elif node.kind == _NORMALISING:
            layer.trainable = False
        if node.name not in plan.groups:
            return layer(*args, **options)
        group = plan.groups[node.name]
        if node.kind == JOIN:  # what has a fixed scale gets the scale of all
            tensors = zip(args[0], node.inputs, strict=True)
            args = ([x if plan.groups[source] == group else rounding[group](x) for x, source in tensors],)
        output = layer(*args, **options)
        return rounding[group](output, half_away=node.kind == AVERAGE) if plan.rounds(node) else output

    twin = network.build(call, enter=rounding[network.input])
    for node in network.nodes.values():
        if node.kind in WEIGHTED:
            twin.get_layer(node.name).set_folded(node.weights)
        elif node.weights:
            twin.get_layer(node.name).set_weights(node.weights)
    return twin


@dataclass(frozen=True, slots=True)
class Trained:
    """What comes of a trained twin.

    Attributes
    ----------
    model: an ordinary Keras model, whose weights are on the grid of the file.
    twin: the model that computes what the file does.
    quantization: the grid.

    """

    model: keras.Model
    twin: keras.Model
    quantization: TrainedQuantization


def finish_twin(network: Network, plan: Plan, twin: keras.Model) -> Trained:
    """Return what comes of the trained twin of a network."""
    ranges = {group: twin.get_layer(_RANGE.format(group)).ends() for group in dict.fromkeys(plan.groups.values())}
    nodes = dict(network.nodes)
    for node in filter(lambda node: node.weights, network.nodes.values()):
        layer = twin.get_layer(node.name)
        if node.kind in WEIGHTED:
            weights = layer.folded(ranges[plan.groups[node.inputs[0]]])
        else:
            weights = tuple(layer.get_weights())
        nodes[node.name] = replace(node, weights=weights)
    trained = replace(network, nodes=nodes)
    in_float = tuple(node.name for node in plan.in_float)
    told = {
        name: ranges[group]
        for name, group in plan.groups.items()
        if name == network.input or network.nodes[name].kind not in MOVING
    }
    model, quantization = trained.to_model(), TrainedQuantization("int8", told, in_float)
    return Trained(model, twin_of(model, quantization), quantization)


def twin_of(model: keras.Model, quantization: TrainedQuantization) -> keras.Model:
    """Return the model that computes what the int8 file does, of a model that a run with ``--quantize`` has written."""
    network = trace(model)
    plan = plan_ranges(network)
    return build_twin(network, plan, {group: quantization.ranges[group] for group in plan.groups.values()})
