"""Recurrent layers step by step, as many times as a sequence is long, in place of a loop.

The quantizers of TensorFlow and of onnxruntime do not look into loops (TensorFlow's ends the process), and tf2onnx does
not know the lists of tensors that Keras' loops keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgedigits_export.lazy_imports import load


@contextmanager
def unrolled(model: Any) -> Iterator[None]:
    """Within it, calls of a Keras model compute its recurrent layers without a loop, also inside other layers.

    Keras refuses ``unroll=True`` of its convolutional ones at construction, and computes them so all the same.
    """
    looping = [
        layer
        for layer in model._flatten_layers()  # noqa: SLF001  # the public `layers` leaves out what wrappers hold
        if isinstance(layer, load("keras").layers.RNN) and not layer.unroll
    ]
    for layer in looping:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in looping:
            layer.unroll = False
