"""Run Keras on TensorFlow: ``predict``, or the model called, as ``how`` says."""

from __future__ import annotations

from typing import Any

from clock import Loaded, serve


def load(request: dict[str, Any]) -> Loaded:
    """Read a .keras file."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    model = keras.saving.load_model(request["model"][0], compile=False)

    def predict(image: Any) -> int:
        return int(model.predict(image[None, ..., None], verbose=0)[0].argmax())

    def call(image: Any) -> int:
        return int(model(image[None, ..., None], training=False)[0].numpy().argmax())

    def predict_all(images: Any) -> list[int]:
        digits: list[int] = model.predict(images[..., None], verbose=0).argmax(1).tolist()
        return digits

    return Loaded({"predict": predict, "call": call}[request["how"]], predict_all)


if __name__ == "__main__":
    serve(load)
