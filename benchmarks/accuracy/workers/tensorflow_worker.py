"""Convert a Keras model by TensorFlow's converter as its guide says, in a Python that has TensorFlow.

`python tensorflow_worker.py NET.keras CALIBRATION.npy OUT float32|int8` writes OUT and prints its bytes.
CALIBRATION is uint8 ``[N, H, W, C]``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def convert(source: str, calibration: NDArray[np.uint8], how: str) -> bytes:
    """Return a file for one image at a time, float32 at both ends; an int8 one has its ranges from ``calibration``."""
    model = keras.saving.load_model(source, compile=False)
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, model(image)))
    if how == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _samples(calibration)
    return bytes(converter.convert())


def _samples(calibration: NDArray[np.uint8]) -> Iterator[list[Any]]:
    for image in calibration:
        yield [image[np.newaxis].astype(np.float32)]


if __name__ == "__main__":
    given, data, out, way = sys.argv[1:]
    print(Path(out).write_bytes(convert(given, np.load(data), way)))
