"""What the layers of Keras become in an int8 TFLite file, as far as training has to know it.

A layer that is named nowhere here computes in float, before and after which values are rounded.
"""

from __future__ import annotations

import numpy as np

from edgedigits_train.quantization.network import Node

# Operators with weights.
WEIGHTED = frozenset({"Conv2D", "DepthwiseConv2D", "Dense"})
# Operators that leave out, repeat or move values, and change none.
MOVING = frozenset({"Cropping2D", "Flatten", "Permute", "Reshape", "UpSampling2D", "ZeroPadding2D"})
# Operators that read several tensors of one scale.
JOIN = "Concatenate"
# Integers are averaged, and the mean is rounded to the same scale.
AVERAGE = "AveragePooling2D"

_KEEPING = MOVING | {AVERAGE, "GlobalMaxPooling2D", "MaxPooling2D"}
# A ReLU after one of these, and nothing else, is a part of its operator.
_FUSING = WEIGHTED | {"Add", "Multiply", "Subtract"}
_FUSED = frozenset({"relu", "relu6"})
_ROUNDING = _FUSING | {"GlobalAveragePooling2D", "LeakyReLU"}
_ROUNDING_FUNCTIONS = _FUSED | {"gelu", "hard_silu", "leaky_relu"}
# Operators whose results have the same scale in every file.
_FIXED = {"sigmoid": (0.0, 255 / 256), "tanh": (-1.0, 127 / 128)}


def activation_of(node: Node) -> str | None:
    """Return the name of the function that an activation layer computes; None of other layers."""
    if node.kind == "Activation":
        return str(getattr(node.layer.activation, "__name__", ""))
    if node.kind == "ReLU":
        config = node.layer.get_config()
        if not config["negative_slope"] and not config["threshold"]:
            return {None: "relu", 6.0: "relu6"}.get(config["max_value"])
    return "softmax" if node.kind == "Softmax" else None


def keeps_scale(node: Node) -> bool:
    """Return whether a layer's result has the scale of what it reads."""
    return node.kind in _KEEPING and node.layer.get_config().get("interpolation", "nearest") == "nearest"


def is_fused(node: Node, readers: list[Node]) -> bool:
    """Return whether a layer and the one that reads it are one operator, so that nothing between them is rounded."""
    return node.kind in _FUSING and len(readers) == 1 and activation_of(readers[0]) in _FUSED


def fixed_range(node: Node) -> tuple[float, float] | None:
    """Return the range of a layer that has the same in every file."""
    return _FIXED.get(activation_of(node) or "")


def factor_of(node: Node) -> float | None:
    """Return the number by which a layer multiplies all values, and does nothing else; None of other layers."""
    if node.kind != "Rescaling":
        return None
    scale, offset = (np.asarray(node.layer.get_config()[key], np.float64) for key in ("scale", "offset"))
    return float(scale.item()) if scale.size == 1 and not offset.any() else None


def is_rounded(node: Node) -> bool:
    """Return whether a layer is one operator on integers that rounds its result to a range of its own."""
    if activation_of(node) in _ROUNDING_FUNCTIONS or factor_of(node) is not None:
        return True
    return node.kind in _ROUNDING and len(node.inputs) <= 2
