"""Fold what scales and shifts channels, batch normalisation above all, into the weights beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edgedigits_train.quantization.kinds import MOVING, WEIGHTED, factor_of
from edgedigits_train.quantization.network import Network, Node, new_node


class _Affine(NamedTuple):
    """What multiplies each channel by its ``gain`` and adds its ``offset``, both float64 ``[C]``."""

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def fold_affine(network: Network, node: Node) -> Network:
    """Fold a layer that scales and shifts channels into one with weights beside it, or make it a convolution."""
    affine = _AFFINE[node.kind](node) if node.kind in _AFFINE else None
    if affine is None:
        return network
    (source,) = node.inputs
    before, after = network.nodes.get(source), network.readers(node.name)
    if before is not None and before.kind in WEIGHTED and len(network.readers(source)) == 1:
        return network.replaced(node.name).replaced(source, _scaled_outputs(before, affine))
    if len(node.shape) == 1 and [reader.kind for reader in after] == ["Dense"]:
        return network.replaced(node.name).replaced(
            after[0].name, _scaled_inputs(after[0].reading(node.name, source), affine)
        )
    if len(node.shape) != 3:
        return network
    convolution = layers.DepthwiseConv2D(1, name=node.name)
    weights = affine.gain.reshape(1, 1, -1, 1).astype(np.float32), affine.offset.astype(np.float32)
    return network.replaced(node.name, new_node(convolution, (source,), node.shape, weights))


def fold_factor(network: Network, node: Node) -> Network:
    """Fold one factor for all pixels into the first weights, which may come after layers that only move values."""
    if (factor := factor_of(node)) is None:
        return network
    (reader,) = network.readers(node.name)[:1]
    while reader.kind in MOVING and len(network.readers(reader.name)) == 1:
        (reader,) = network.readers(reader.name)
    if reader.kind not in WEIGHTED or len(network.readers(node.name)) > 1:
        return network
    network = network.replaced(node.name)
    reader = network.nodes[reader.name]
    kernel, *bias = reader.weights
    return network.replaced(reader.name, replace(reader, weights=(kernel * np.float32(factor), *bias)))


def _batch_normalization(node: Node) -> _Affine | None:
    config = node.layer.get_config()
    *learned, mean, variance = (weights.astype(np.float64) for weights in node.weights)
    gamma = learned[0] if config["scale"] else np.ones_like(mean)
    beta = learned[-1] if config["center"] else np.zeros_like(mean)
    gain = gamma / np.sqrt(variance + config["epsilon"])
    return _Affine(gain, beta - mean * gain) if config["axis"] in {-1, len(node.shape)} else None


def _normalization(node: Node) -> _Affine | None:
    mean, variance = (
        np.asarray(keras.ops.convert_to_numpy(value), np.float64) for value in (node.layer.mean, node.layer.variance)
    )
    if node.layer.invert or {mean.size, variance.size} - {1, node.shape[-1]}:
        return None
    gain = 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())
    return _per_channel(gain, -mean * gain, node.shape[-1])


def _rescaling(node: Node) -> _Affine | None:
    if factor_of(node) is not None:  # which changes weights, or else is an operator that loses nothing
        return None
    scale, offset = (np.asarray(node.layer.get_config()[key], np.float64) for key in ("scale", "offset"))
    return _per_channel(scale, offset, node.shape[-1])


def _per_channel(gain: NDArray[np.float64], offset: NDArray[np.float64], channels: int) -> _Affine | None:
    if {gain.size, offset.size} - {1, channels}:
        return None
    return _Affine(*(np.broadcast_to(values.ravel(), channels) for values in (gain, offset)))


_AFFINE: Mapping[str, Callable[[Node], _Affine | None]] = {
    "BatchNormalization": _batch_normalization,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
}


def _scaled_outputs(node: Node, affine: _Affine) -> Node:
    """Return a layer with weights whose outputs are scaled and shifted."""
    kernel, *bias = node.weights
    gain = affine.gain.reshape(kernel.shape[2:]) if node.kind == "DepthwiseConv2D" else affine.gain
    shifted = (bias[0] if bias else 0) * affine.gain + affine.offset
    return _with_bias(node, kernel * gain, shifted)


def _scaled_inputs(node: Node, affine: _Affine) -> Node:
    """Return a dense layer that scales and shifts its inputs."""
    kernel, *bias = node.weights
    shifted = (bias[0] if bias else 0) + affine.offset @ kernel
    return _with_bias(node, affine.gain[:, np.newaxis] * kernel, shifted)


def _with_bias(node: Node, kernel: Any, bias: Any) -> Node:
    layer = type(node.layer).from_config(node.layer.get_config() | {"use_bias": True})
    return replace(node, layer=layer, weights=(kernel.astype(np.float32), bias.astype(np.float32)))
