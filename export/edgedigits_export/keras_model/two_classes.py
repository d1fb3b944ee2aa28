"""A classifier with one output, the probability or the score of its second class, as one with a score for each class.

Both say the same: the softmax of the scores 0 and z is 1 - sigmoid(z) and sigmoid(z).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgedigits_export.keras_model.graph import producer
from edgedigits_export.lazy_imports import load, quiet

# The height and the width of images to try, where a model leaves them free.
_SIDE = 64


def as_two_classes(model: Any) -> Any:
    """Return a Keras model with the same answers and two outputs, of a model with one, a sigmoid's or a score."""
    keras = load("keras")
    score, is_probability = _score(model)
    with quiet():
        if is_probability:
            return keras.Model(model.inputs, keras.ops.concatenate([1 - score, score], axis=-1))
        layer, node = producer(score)
        if type(layer) is keras.layers.Dense and layer.activation.__name__ in {"linear", "sigmoid"} and node:
            return keras.Model(model.inputs, _doubled(layer)(node.input_tensors[0]))
        scores = keras.ops.concatenate([keras.ops.zeros_like(score), score], axis=-1)
        return keras.Model(model.inputs, keras.layers.Softmax()(scores))


def _score(model: Any) -> tuple[Any, bool]:
    """Return the tensor before a sigmoid, or else the output, and whether that is a probability."""
    output = model.outputs[0]
    layer, node = producer(output)
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    if name == "sigmoid" and type(layer).__name__ == "Activation" and node:
        return node.input_tensors[0], False
    if name in {"sigmoid", "linear"} and type(layer).__name__ == "Dense" and node:
        return output, False
    return output, name == "sigmoid" or _gives_shares(model)


def _gives_shares(model: Any) -> bool:
    """Return whether all outputs for a few images are from 0 to 1."""
    shape = [side or _SIDE for side in model.inputs[0].shape[1:]]
    with quiet():
        said = np.asarray(model(np.random.default_rng(0).uniform(0, 255, (8, *shape)), training=False))
    return bool((said >= 0).all() and (said <= 1).all())


def _doubled(layer: Any) -> Any:
    """Return a Dense layer of two units with a softmax: the first has no weights, the second is the given layer's."""
    twin = load("keras").layers.Dense(2, activation="softmax", use_bias=layer.use_bias, name=layer.name)
    twin.build(tuple(layer.input.shape))
    twin.set_weights([np.concatenate([np.zeros_like(values), values], axis=-1) for values in layer.get_weights()])
    return twin
