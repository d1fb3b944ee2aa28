"""Bicubic, area and antialiased resizing, which no engine here has, as products with constant matrices.

Each row of the result is a weighted sum of rows, each column one of columns, and the weights do not depend on the
image. TensorFlow itself is asked for them: resized unit vectors are the columns of the matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits_export.lazy_imports import load

RESIZING = frozenset({"ResizeArea", "ResizeBicubic", "ScaleAndTranslate"})


def as_products(function: Any, operation: Any) -> Any:
    """Return a concrete function that resizes as an operation of a frozen one does, from images to images.

    Images are ``[N, H, W, C]``, where only N is free.
    """
    tf = load("tensorflow")
    # Sizes that a graph computes from shapes are the same for all images.
    one = tf.zeros([1, *function.inputs[0].shape[1:]], function.inputs[0].dtype)
    image, *numbers = (np.asarray(each) for each in _before(function, operation)(one))
    _, height, width, channels = image.shape
    rows = _weights(operation, height, *(each[0] for each in numbers))
    columns = _weights(operation, width, *(each[1] for each in numbers))

    def resize(images: Any) -> Any:
        high = tf.matmul(rows, tf.reshape(tf.cast(images, tf.float32), (-1, height, width * channels)))
        wide = tf.matmul(columns, tf.reshape(high, (-1, width, channels)))
        return tf.reshape(wide, (-1, len(rows), len(columns), channels))

    return tf.function(resize).get_concrete_function(tf.TensorSpec([None, *image.shape[1:]], image.dtype))


def _before(function: Any, operation: Any) -> Any:
    """Return the function from a graph's input to the inputs of one of its operations."""
    return function.prune([function.inputs[0].name], [tensor.name for tensor in operation.inputs])


def _weights(operation: Any, length: int, size: int, *numbers: float) -> NDArray[np.float32]:
    """Return the weights of an axis of the image, float32 ``[size, length]``; ``numbers`` are a scale and a shift."""
    tf = load("tensorflow")
    options = {name: operation.get_attr(name) for name in operation.node_def.attr if not name.startswith(("T", "_"))}
    if numbers:
        scale, shift = numbers
        options |= {"scale": [scale, 1.0], "translation": [shift, 0.0]}
    unit = np.eye(length, dtype=np.float32)[np.newaxis, :, np.newaxis]
    resize = getattr(tf.raw_ops, operation.type)
    return np.asarray(resize(images=unit, size=[size, 1], **options)[0, :, 0])
