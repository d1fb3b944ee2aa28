"""Quantize a float32 TFLite file by Google's stand-alone quantizer, in a Python of its own.

`python quantizer_recipes.py FLOAT.tflite CALIBRATION.npy OUT RECIPE …` writes a file for each recipe, whose name takes
the place of ``{}`` in OUT, and prints the bytes of the last one. CALIBRATION is uint8 ``[N, H, W, C]``. It needs the
quantizer and numpy alone: the quantizer pins an engine's release, which others do not share.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from litert_quantizer import quantizer, recipe
from numpy.typing import NDArray


def quantize(source: str, calibration: NDArray[np.uint8], name: str) -> bytes:
    """Quantize a file that has a signature with an input ``image``: the quantizer requires one."""
    work = quantizer.Quantizer(source, getattr(recipe, name)())
    calibrated = None
    if work.need_calibration:
        images = calibration.astype(np.float32)
        calibrated = work.calibrate({"serving_default": [{"image": image[None]} for image in images]})
    return bytes(work.quantize(calibrated).quantized_model)


if __name__ == "__main__":
    given, data, out, *names = sys.argv[1:]
    for one in names:
        written = Path(out.format(one)).write_bytes(quantize(given, np.load(data), one))
    print(written)
