"""Export a .keras file as float32 ONNX: `python export_onnx.py KERAS OUT`. A script, so that TensorFlow stays apart."""

from __future__ import annotations

import sys
from pathlib import Path

from edgedigits_export.freeze import freeze
from edgedigits_export.keras_model import load_keras
from edgedigits_export.onnx_format import convert_onnx

if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(convert_onnx(freeze(load_keras(sys.argv[1]))))
