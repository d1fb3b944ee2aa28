"""What the locator's training minimizes: the loss of its maps.

The loss of the classes is the penalty-reduced focal loss of CenterNet, that of the boxes the absolute difference.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from edgedigits.images.locator import CELLS
from edgedigits_train.locator.network import LOGIT_UNIT, OUTPUTS
from edgedigits_train.scenes.targets import CLASSES, COUNTED, GIVEN, HEIGHT

# The weights of the three parts: the class at a peak alone, the size of boxes, and the place of their middles.
_CLASS, _SIZE, _PLACE = 0.3, 0.5, 0.5
# At a character's middle the target is 1, in half precision.
_PEAK = 0.999
# A batch without any digit is divided by this many.
_LEAST_PEAKS = 8.0


def unfold(outputs: Any) -> Any:
    """Return the network's outputs as maps ``[N, height, width, OUTPUTS]``, a cell for four pixels along each side."""
    _, height, width, _ = outputs.shape
    apart = ops.reshape(outputs, (-1, height, width, CELLS, CELLS, OUTPUTS))
    return ops.reshape(ops.transpose(apart, (0, 1, 3, 2, 4, 5)), (-1, CELLS * height, CELLS * width, OUTPUTS))


def accuracy(targets: Any, outputs: Any) -> Any:
    """Return the share of a batch's characters whose strongest class, at their middle, is their own."""
    peak = ops.cast(targets[..., :CLASSES] > _PEAK, "float32")
    is_peak = ops.max(peak, axis=-1)
    right = ops.cast(ops.argmax(unfold(outputs)[..., :CLASSES], axis=-1) == ops.argmax(peak, axis=-1), "float32")
    return ops.sum(is_peak * right) / ops.maximum(ops.sum(is_peak), 1.0)


def map_loss(targets: Any, outputs: Any) -> Any:
    """Return the loss of a batch; ``targets`` are as of `make_targets`, ``outputs`` are the network's."""
    maps = unfold(outputs)
    logits, heat = LOGIT_UNIT * maps[..., :CLASSES], targets[..., :CLASSES]
    peak = ops.cast(heat > _PEAK, "float32")
    peaks = ops.maximum(ops.sum(peak), _LEAST_PEAKS)
    log_hit, log_miss = ops.log_sigmoid(logits), ops.log_sigmoid(-logits)
    probability = ops.sigmoid(logits)
    hit = peak * (1 - probability) ** 2 * log_hit
    miss = (1 - peak) * (1 - heat) ** 4 * probability**2 * log_miss
    focal = -ops.sum((hit + miss) * targets[..., COUNTED : COUNTED + 1]) / peaks
    is_peak = ops.max(peak, axis=-1)
    wanted = peak / ops.maximum(ops.sum(peak, axis=-1, keepdims=True), 1.0)
    entropy = -ops.sum(is_peak * ops.sum(wanted * ops.log_softmax(logits), axis=-1)) / peaks
    given = targets[..., GIVEN]
    apart = ops.abs(maps[..., CLASSES:] - targets[..., HEIGHT:GIVEN]) * given[..., None]
    count = ops.maximum(ops.sum(given), 1.0)
    size, place = ops.sum(apart[..., :2]) / count, ops.sum(apart[..., 2:]) / count
    return focal + _CLASS * entropy + _SIZE * size + _PLACE * place


# A checkpoint names both; Keras must find them when it loads one.
for _function in (map_loss, accuracy):
    keras.saving.register_keras_serializable("edgedigits")(_function)
