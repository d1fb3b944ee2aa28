"""Inference written by hand, without any package of ours: what our own overhead is measured against.

``python overhead_by_hand.py MODEL.tflite PICTURE`` classifies one picture; the functions are its parts, an engine each.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Infer = Callable[[Any], tuple[Any, int]]


def interpreter(engine: str, data: bytes) -> tuple[Any, int, int]:
    """Return an interpreter of one thread that is ready, and the indices of its input and output."""
    package = {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}[engine]
    made = import_module(f"{package}.interpreter").Interpreter(model_content=data, num_threads=1)
    made.allocate_tensors()
    return made, made.get_input_details()[0]["index"], made.get_output_details()[0]["index"]


def session(data: bytes) -> Any:
    """Return a session of one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def one(engine: str, data: bytes) -> Infer:
    """Return a function from an image uint8 ``[28, 28]`` to probabilities and digit."""
    if engine == "onnxruntime":
        run = session(data).run

        def infer(image: Any) -> tuple[Any, int]:
            scores = run(None, {"image": image[np.newaxis, ..., np.newaxis]})[0][0]
            return scores, int(scores.argmax())

        return infer
    made, source, target = interpreter(engine, data)

    def infer_tflite(image: Any) -> tuple[Any, int]:
        made.set_tensor(source, image[np.newaxis, ..., np.newaxis])
        made.invoke()
        scores = made.get_tensor(target)[0]
        return scores, int(scores.argmax())

    return infer_tflite


def many(engine: str, data: bytes) -> dict[str, Callable[[Any], Any]]:
    """Return functions from images uint8 ``[N, 28, 28, 1]`` to probabilities: every way that could be the fastest."""
    if engine == "onnxruntime":
        run = session(data).run

        def in_batches(size: int) -> Callable[[Any], Any]:
            return lambda images: np.concatenate(
                [run(None, {"image": images[at : at + size]})[0] for at in range(0, len(images), size)]
            )

        return {f"batches of {size}": in_batches(size) for size in (1, 10, 50, 100, 1000)}
    made, source, target = interpreter(engine, data)

    def loop(images: Any) -> Any:
        outputs = np.empty((len(images), 10), np.float32)
        for at in range(len(images)):
            made.set_tensor(source, images[at : at + 1])
            made.invoke()
            outputs[at] = made.get_tensor(target)[0]
        return outputs

    return {"a loop": loop}  # a larger batch fails: the file reshapes to one image


def main(model: str, picture: str) -> None:
    """Decode the picture, hash the model, infer, print."""
    data = Path(model).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    infer = one("litert", data)
    scores, digit = infer(np.asarray(Image.open(picture).convert("L")))
    print(json.dumps({"digit": digit, "probabilities": scores.tolist(), "sha256": digest}))


if __name__ == "__main__":
    main(*sys.argv[1:])
