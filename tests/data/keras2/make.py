"""Files of Keras 2, which this project's environment cannot make: `python make.py` in one with tensorflow 2.15.

`layers` has what Keras 3 refuses or computes in another way, `inner` has models inside the model. `expected.npz` holds
what Keras 2 says of the images in it.
"""

from pathlib import Path

import numpy as np
from tensorflow import keras

HERE = Path(__file__).parent


def layers(kit):
    return keras.Sequential(
        [
            kit.InputLayer(input_shape=(12, 12, 1)),
            kit.Conv2D(3, 3, activation="hard_sigmoid"),
            kit.BatchNormalization(name="block/norm"),
            kit.LeakyReLU(alpha=0.1),
            kit.SeparableConv2D(4, 3),
            kit.SpatialDropout2D(0.1),
            kit.DepthwiseConv2D(3),
            kit.Conv2DTranspose(2, 2),
            kit.Reshape((7, 14)),
            kit.LSTM(4, recurrent_activation="hard_sigmoid"),
            kit.Dense(3, activation="softmax"),
        ]
    )


def inner(kit):
    image = keras.Input((12, 12, 1))
    small = keras.Input((12, 12, 1))
    base = keras.Model(small, kit.BatchNormalization()(kit.Conv2D(3, 3)(small)), name="base")
    head = keras.Sequential([kit.Dense(4, activation="relu", input_shape=(3,)), kit.Dense(3)], name="head")
    values = base(kit.Rescaling(2.0)(image), training=False)
    return keras.Model(image, head(kit.GlobalAveragePooling2D()(values)))


def main():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (8, 12, 12, 1)).astype(np.float32)
    expected = {"images": images}
    for build in (layers, inner):
        model = build(keras.layers)
        for weights in model.weights:
            values = rng.normal(0, 0.7, weights.shape)
            weights.assign(abs(values) if "variance" in weights.name else values)
        for ending in ("h5", "keras"):
            model.save(HERE / f"{build.__name__}.{ending}")
        expected[build.__name__] = model.predict(images, verbose=0)
    np.savez(HERE / "expected.npz", **expected)


if __name__ == "__main__":
    main()
