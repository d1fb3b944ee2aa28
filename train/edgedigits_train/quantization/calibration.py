"""The ranges that learning starts from, chosen from what a network computes for some training images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits_train.quantization.network import Network, Node
from edgedigits_train.quantization.plan import Plan, Range

_BATCH = 32
# Values that are kept of one layer's output for one batch.
_KEPT = 10_000
# The first is a level more than all: pixels that are scaled to -1 to 1 would all lie half way between two levels.
_SHARES = np.linspace(1.004, 0.1, 46)
_LEVELS = 255


def choose_ranges(network: Network, plan: Plan, images: NDArray[np.uint8]) -> dict[str, Range]:
    """Return each range of a plan, by name; ``images`` are uint8 ``[N, H, W, C]``.

    A range that is not fixed is the share of all values seen that rounds them with the least mean squared error: a
    few values far away would make the levels of all others coarse.
    """
    names = [name for name, group in plan.groups.items() if group not in plan.fixed]
    values: dict[str, list[NDArray[np.float32]]] = {}
    probe = _probe(network, names)
    for start in range(0, len(images), _BATCH):
        outputs = probe.predict_on_batch(images[start : start + _BATCH].astype(np.float32))
        for name, output in outputs.items():
            values.setdefault(plan.groups[name], []).extend(_sample(output.ravel()))
    return plan.fixed | {group: best_range(np.concatenate(parts)) for group, parts in values.items()}


def best_range(values: NDArray[np.float32]) -> Range:
    """Return the range of 256 levels, 0 among them, that rounds ``values`` with the least mean squared error."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if low == high:
        return 0.0, 1.0
    return min(((low * share, high * share) for share in _SHARES), key=lambda ends: _error(values, *ends))


def _probe(network: Network, names: list[str]) -> keras.Model:
    """Return a model of the outputs of these layers."""
    outputs = {}

    def call(node: Node, *args: Any, **options: Any) -> Any:
        outputs[node.name] = node.fresh_layer()(*args, **options)
        return outputs[node.name]

    whole = network.build(call)
    network.set_weights(whole)
    return keras.Model(whole.inputs[0], {name: outputs[name] for name in names})


def _sample(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return evenly spaced values, and both extremes."""
    return [values[:: max(1, len(values) // _KEPT)], np.array([values.min(), values.max()])]


def _error(values: NDArray[np.float32], low: float, high: float) -> float:
    scale = (high - low) / _LEVELS
    lowest = round(low / scale)
    steps = np.clip(np.round(values / np.float32(scale)), lowest, lowest + _LEVELS)
    return float(np.square(steps * np.float32(scale) - values).mean())
