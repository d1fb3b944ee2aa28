"""Write the reference model and wider ones of the same architecture as the files that the engines read.

`python -m benchmarks.latency.scaling_models FOLDER WIDTHS` needs TensorFlow, so it has a process of its own. Wider
models have random weights, which take as long to multiply with as trained ones. Prints the multiplications of each
width as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.child import ROOT
from benchmarks.latency.scaling_probe import DIGITS, model_file
from edgedigits.bundle import Bundle
from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.onnx_int8 import quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.lazy_imports import load

REFERENCE = ROOT / "models" / "small.keras"
_DIGITS, _SEED = 1024, 0


def widened(model: Any, width: int) -> Any:
    """Return the same architecture with ``width`` times as many filters in every convolution, and fresh weights."""
    keras = load("keras")

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Conv2D):
            config["filters"] *= width
        return type(layer).from_config(config)

    keras.utils.set_random_seed(_SEED)
    return keras.models.clone_model(model, clone_function=clone)


def golden_digits() -> NDArray[np.uint8]:
    """Return real digits that are always there, uint8 ``[N, 28, 28, 1]``; no latency depends on which they are."""
    return Bundle.load().golden().images


def write_width(folder: Path, width: int) -> int:
    """Write four files of one width; returns its multiplications with addition an image."""
    reference = load_keras(REFERENCE)
    model = reference if width == 1 else widened(reference, width)
    frozen = freeze(model)
    images = golden_digits()
    onnx = convert_onnx(frozen)
    for precision, format_, data in (
        ("float32", "tflite", convert_tflite(frozen, "float32", images)),
        ("int8", "tflite", convert_tflite(frozen, "int8", images)),
        ("float32", "onnx", onnx),
        ("int8", "onnx", quantize_onnx(onnx, images)),
    ):
        model_file(folder, width, precision, format_).write_bytes(data)
    from edgedigits_train.models.build import count_macs  # which imports TensorFlow loudly unless it is there already

    return count_macs(model)


def main(folder: Path, widths: list[int]) -> dict[int, int]:
    """Write all widths, and as many digits as the largest batch; returns the multiplications of each width."""
    digits = golden_digits()
    np.save(folder / DIGITS, np.resize(digits, (_DIGITS, *digits.shape[1:])))
    return {width: write_width(folder, width) for width in widths}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))
