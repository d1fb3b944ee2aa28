"""Export a .keras file as float32 ONNX: `python -m benchmarks.peers.export_onnx KERAS OUT`, for TensorFlow is in it."""

from __future__ import annotations

import sys
from pathlib import Path

from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.keras_model.inspect import load_keras

if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(convert_onnx(freeze(load_keras(sys.argv[1]))))
