"""Quantize an ONNX file by NNCF within an accuracy, in a Python that has it and onnxruntime.

`python nncf_worker.py FLOAT.onnx CALIBRATION.npy OUT CHOOSING.npz MARGIN` writes OUT and prints its bytes. CALIBRATION
is uint8 ``[N, H, W, C]``, CHOOSING has ``images`` and ``labels``, MARGIN is in points of accuracy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

BATCH = 100


def quantize(source: str, calibration: NDArray[np.uint8], choosing: Any, margin: float) -> bytes:
    """Return the file whose accuracy on the images that choose falls by ``margin`` points at most, as NNCF counts."""
    pairs = list(zip(choosing["images"], choosing["labels"], strict=True))
    quantized = nncf.quantize_with_accuracy_control(
        onnx.load(source),
        calibration_dataset=nncf.Dataset(list(calibration), lambda image: {"image": image[None]}),
        validation_dataset=nncf.Dataset(pairs, lambda pair: {"image": pair[0][None]}),
        validation_fn=validate,
        max_drop=margin / 100,
        subset_size=len(calibration),
    )
    return bytes(quantized.SerializeToString())


def validate(model: onnx.ModelProto, pairs: Iterable[tuple[Any, int]]) -> tuple[float, list[float]]:
    """Return the share of images that a model answers rightly, and for each whether it does.

    Without the second, NNCF would ask for each image alone, with an engine anew.
    """
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images, labels = map(np.stack, zip(*pairs, strict=True))
    parts = np.array_split(images, -(-len(images) // BATCH))
    answers = np.concatenate([session.run(None, {"image": part})[0].argmax(axis=1) for part in parts])
    right = (answers == labels).astype(float)
    return float(right.mean()), right.tolist()


if __name__ == "__main__":
    given, data, out, others, points = sys.argv[1:]
    print(Path(out).write_bytes(quantize(given, np.load(data), np.load(others), float(points))))
