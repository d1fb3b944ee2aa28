"""Train the model of TensorFlow's tutorial on post-training integer quantization, and quantize it as described there.

`python train_tutorial.py DIGITS OUT`: DIGITS an .npz with ``images`` uint8 ``[N, 28, 28]`` and ``labels``, training
digits; OUT the .tflite file. Pixels over 255, a convolution of 12 filters of 3x3 with ReLU, 2x2 pooling, one dense
layer; Adam, 5 epochs; all integer, uint8 in and out, 100 training images as the representative ones. The seed is ours.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

SEED = 1
EPOCHS = 5
REPRESENTATIVE = 100


def trained(images: Any, labels: Any) -> keras.Model:
    """Return the float model; ``images`` float32 ``[N, 28, 28]``, 0-1."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([
        keras.layers.InputLayer(shape=(28, 28)),
        keras.layers.Reshape((28, 28, 1)),
        keras.layers.Conv2D(12, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ])  # fmt: skip
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(images, labels, epochs=EPOCHS, verbose=2)
    return model


def quantized(model: keras.Model, images: Any) -> bytes:
    """Return the .tflite file, integers throughout."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images[:REPRESENTATIVE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    return bytes(converter.convert())


if __name__ == "__main__":
    with np.load(sys.argv[1]) as digits:
        pixels = digits["images"].astype(np.float32) / 255
        Path(sys.argv[2]).write_bytes(quantized(trained(pixels, digits["labels"]), pixels))
