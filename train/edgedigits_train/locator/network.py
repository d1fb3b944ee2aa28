"""The locator's network: fully convolutional, so one set of weights takes pictures of any size.

Its body follows K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, with dilated convolutions
(F. Yu, V. Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", ICLR 2016), its outputs are those of
CenterNet (see `edgedigits_train.scenes.targets`). All of it works at an eighth of the picture's resolution. Each place
there gives the four cells of the maps that it covers, so nothing has to be enlarged inside the network, and every file
format holds it with convolutions alone.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from edgedigits.images.contrast import NONE, STEPS
from edgedigits.images.locator import CELLS, LOGITS, PLACES, SIZES
from edgedigits_train.scenes.targets import CLASSES

# Outputs of a cell: a logit for each class, the logarithms of height and width, and where the middle is.
OUTPUTS = CLASSES + 4
# While it trains, the network gives logits divided by this, so that all of its outputs have about one range.
LOGIT_UNIT = 8.0
_STEM, _EARLY, _LATE = 16, 24, 64
_PAIRS = 2
# Activations end here, so that 8 bits hold them (ReLU6: A. Krizhevsky, "Convolutional Deep Belief Networks on
# CIFAR-10", 2010).
_BOUND = 6.0
# Training begins with all cells empty: a bias of so many logits.
_EMPTY = -4.5


def build_locator(height: int | None = None, width: int | None = None) -> keras.Model:
    """Build the network with fresh weights, for local contrast float32 ``[N, height, width, 1]``, multiples of 8.

    The result is float32 ``[N, height / 8, width / 8, CELLS * CELLS * OUTPUTS]``.
    """
    image = keras.Input((height, width, 1), name="image")
    x = layers.Rescaling(1 / STEPS, -NONE / STEPS, name="scaling")(image)
    # Without padding: the border of a picture is what no contrast is, and that is not 0 here.
    x = _convolve(x, _STEM, 2, stride=2, padding="valid")
    x = _convolve(x, _EARLY, 3, stride=2)
    x = _convolve(x, _EARLY, 3)
    x = _convolve(x, _LATE, 3, stride=2)
    for _ in range(_PAIRS):
        inner = _convolve(x, _LATE, 3)
        x = layers.ReLU(_BOUND)(layers.Add()([x, _convolve(inner, _LATE, 3, dilation=2, active=False)]))
    bias = [_EMPTY / LOGIT_UNIT] * CLASSES + [0.0] * 4
    start = keras.initializers.Constant(bias * CELLS**2)
    # Small weights, or the first steps would have to undo thousands of digits that nobody drew.
    faint = keras.initializers.RandomNormal(stddev=0.01)
    maps = layers.Conv2D(CELLS**2 * OUTPUTS, 1, kernel_initializer=faint, bias_initializer=start, name="maps")(x)
    return keras.Model(image, maps, name="locator")


def deployable(model: keras.Model) -> keras.Model:
    """Return a trained network for fields of any size, with its outputs as devices decode them: from 0 to 6.

    Logits below -12 mean no more than -12. A ReLU6 says so, which every engine computes with the convolution before it;
    without that bound 8 bits would be spent on them. Where each output has its zero, and its unit, is in
    `edgedigits.images.locator`.
    """
    free = build_locator()
    free.set_weights(model.get_weights())
    kernel, bias = free.get_layer("maps").get_weights()
    units = np.array([LOGITS.unit / LOGIT_UNIT] * CLASSES + [SIZES.unit] * 2 + [PLACES.unit] * 2, np.float32)
    zeros = np.array([LOGITS.zero] * CLASSES + [SIZES.zero] * 2 + [PLACES.zero] * 2, np.float32)
    units, zeros = np.tile(units, CELLS**2), np.tile(zeros, CELLS**2)
    free.get_layer("maps").set_weights([kernel / units, bias / units + zeros])
    return keras.Model(free.input, layers.ReLU(_BOUND, name="bound")(free.output), name="locator")


def _convolve(
    x: Any, filters: int, size: int, *, stride: int = 1, dilation: int = 1, active: bool = True, padding: str = "same"
) -> Any:
    x = layers.Conv2D(
        filters, size, stride, padding, dilation_rate=dilation, use_bias=False, kernel_initializer="he_normal"
    )(x)
    x = layers.BatchNormalization(momentum=0.97)(x)
    return layers.ReLU(_BOUND)(x) if active else x
