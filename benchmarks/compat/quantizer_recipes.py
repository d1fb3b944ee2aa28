"""Quantize float32 TFLite files by Google's stand-alone quantizer, in a Python of its own.

`python quantizer_recipes.py OUT ZOO NET …` writes OUT/<net>--<recipe>.tflite for each net of the zoo and each recipe.
It needs the quantizer and numpy alone: the quantizer pins an engine's release, which the rest of the zoo does not
share.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from litert_quantizer import quantizer, recipe

RECIPES = (
    "dynamic_wi8_afp32",
    "dynamic_wi4_afp32",
    "weight_only_wi8_afp32",
    "weight_only_wi4_afp32",
    "static_wi8_ai8",
    "static_wi8_ai16",
)


def quantize(zoo: Path, net: str, name: str) -> bytes:
    """Quantize a net's file with a free batch: only such files have the signature that the quantizer requires."""
    work = quantizer.Quantizer(str(zoo / f"{net}--tf-float32-free-batch.tflite"), getattr(recipe, name)())
    calibrated = None
    if work.need_calibration:
        images = np.load(zoo / f"{net}-calibration.npy").astype(np.float32)
        calibrated = work.calibrate({"serving_default": [{"image": image[None]} for image in images]})
    return bytes(work.quantize(calibrated).quantized_model)


if __name__ == "__main__":
    out, zoo = map(Path, sys.argv[1:3])
    for net in sys.argv[3:]:
        for name in RECIPES:
            (out / f"{net}--{name}.tflite").write_bytes(quantize(zoo, net, name))
