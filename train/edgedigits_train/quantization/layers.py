"""Keras layers that compute on the grid of an int8 file, with gradients passed straight through the rounding.

Weights are symmetric, from -127 to 127 times one scale for each output channel, and of a dense layer one for all.
Activations are asymmetric, 256 levels from the low to the high end of a range, moved so that 0 is one of them.

Sources: B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", CVPR 2018; the gradient of a range: S. K. Esser et al., "Learned step size quantization", ICLR 2020; the
grid: TensorFlow's "LiteRT 8-bit quantization specification".
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

LOWEST, HIGHEST = -128, 127
_STEPS = HIGHEST - LOWEST
# The mean of some integers is often half way between two. In float32 it comes out a little above or below.
_TIE = 1e-3


@keras.saving.register_keras_serializable("edgedigits")
class FakeQuantize(layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Round values to the 256 levels of one range, which is learned with the weights unless it is fixed.

    Calls share the range. ``low`` is at most 0 and ``high`` at least 0; they are where learning starts.
    """

    def __init__(self, low: float, high: float, *, fixed: bool = False, **options: Any) -> None:
        """Create the layer; ``options`` are those of every Keras layer."""
        super().__init__(**options)
        self.low, self.high, self.fixed = low, high, fixed

    def build(self, input_shape: Any) -> None:  # noqa: ARG002  Keras' signature
        """Create the logarithms of two factors, of the low and of the high end: steps of learning are relative."""
        self.stretch = None if self.fixed else self.add_weight(shape=(2,), initializer="zeros", name="stretch")

    def call(self, values: Any, *, half_away: bool = False) -> Any:
        """Return values on the grid; ``half_away`` rounds ties away from zero, as integer means are rounded."""
        scale, zero = self._grid()
        exact = ops.clip(values / scale + zero, LOWEST, HIGHEST)
        rounded = ops.sign(exact) * ops.floor(ops.abs(exact) + (0.5 + _TIE)) if half_away else ops.round(exact)
        return (_straight_through(exact, rounded) - zero) * scale

    def ends(self) -> tuple[float, float]:
        """Return both ends of the range as it is now."""
        low, high = (float(ops.convert_to_numpy(end)) for end in self._ends())
        return low, high

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made of."""
        return {**super().get_config(), "low": self.low, "high": self.high, "fixed": self.fixed}

    def _ends(self) -> tuple[Any, Any]:
        if self.stretch is None:
            return ops.convert_to_tensor(self.low, "float32"), ops.convert_to_tensor(self.high, "float32")
        factors = ops.exp(self.stretch)
        return self.low * factors[0], self.high * factors[1]

    def _grid(self) -> tuple[Any, Any]:
        low, high = self._ends()
        scale = (high - low) / _STEPS
        return scale, ops.stop_gradient(ops.round(LOWEST - low / scale))


@keras.saving.register_keras_serializable("edgedigits")
class QuantizedWeights(layers.Wrapper):  # type: ignore[misc]
    """A convolution or dense layer whose weights are rounded to their grid.

    The wrapped layer keeps weights divided by the greatest of their output channel: one learning rate then suits
    channels that folding a batch normalisation has scaled by very different factors.
    """

    def build(self, input_shape: Any) -> None:
        """Create the wrapped layer's weights, and the factor of each output channel."""
        super().build(input_shape)
        shape = self.layer.kernel.shape
        # A depthwise kernel is [height, width, channels, multiplier].
        channels = shape[2:] if isinstance(self.layer, layers.DepthwiseConv2D) else shape[-1:]
        self._reduced = tuple(range(len(shape) - len(channels)))
        self.gain = self.add_weight(shape=channels, initializer="ones", trainable=False, name="gain")

    def call(self, inputs: Any) -> Any:
        """Return the wrapped layer's output with rounded weights."""
        outputs, _ = self.layer.stateless_call(self._rounded(), [], inputs)
        return outputs

    def set_folded(self, weights: tuple[NDArray[np.float32], ...]) -> None:
        """Take the weights of the layer that this one stands for."""
        greatest = np.abs(weights[0]).max(axis=self._reduced)
        gain = np.where(greatest > 0, greatest, 1).astype(np.float32)
        self.gain.assign(gain)
        kernel, *bias = weights
        self.layer.set_weights([kernel / gain, *(values / gain.ravel() for values in bias)])

    def folded(self, inputs: tuple[float, float]) -> tuple[NDArray[np.float32], ...]:
        """Return the weights of the layer that this one stands for, on their grid.

        ``inputs`` is the range of what the layer reads: a bias is an integer times the scales of inputs and weights.
        """
        kernel, *bias = (ops.convert_to_numpy(values) for values in self._rounded())
        low, high = inputs
        step = np.float64(high - low) / _STEPS * ops.convert_to_numpy(self._scale(kernel)).ravel()
        return kernel, *((np.round(values / step) * step).astype(np.float32) for values in bias)

    def _rounded(self) -> list[Any]:
        kernel, *bias = self.layer.trainable_variables
        scaled = kernel * self.gain
        scale = ops.stop_gradient(self._scale(scaled))
        exact = scaled / scale
        gain = ops.reshape(self.gain, (-1,))
        return [_straight_through(exact, ops.round(exact)) * scale, *(values * gain for values in bias)]

    def _scale(self, kernel: Any) -> Any:
        """Return the step of the grid, one for each output channel, or for a dense layer one in all."""
        greatest = ops.max(ops.abs(kernel), axis=None if isinstance(self.layer, layers.Dense) else self._reduced)
        return ops.where(greatest > 0, greatest, 1.0) / HIGHEST


def _straight_through(exact: Any, rounded: Any) -> Any:
    """Return ``rounded`` with the gradient of ``exact``."""
    return exact + ops.stop_gradient(rounded - exact)
