"""Quantize an ONNX file by onnxruntime as its functions do when nothing else is said.

`python onnxruntime_worker.py FLOAT.onnx CALIBRATION.npy OUT static|dynamic` writes OUT and prints its bytes.
CALIBRATION is uint8 ``[N, H, W, C]``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Gives one image at a time."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next input, or None at the end."""
        image = next(self._images, None)
        return None if image is None else {"image": image[np.newaxis]}


def quantize(source: str, calibration: NDArray[np.uint8], out: str, how: str) -> None:
    """Prepare a file as onnxruntime's guide says, and quantize it."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared)
        if how == "static":
            quantize_static(prepared, out, Reader(calibration))
        else:
            quantize_dynamic(prepared, out)


if __name__ == "__main__":
    given, data, written, way = sys.argv[1:]
    quantize(given, np.load(data), written, way)
    print(Path(written).stat().st_size)
