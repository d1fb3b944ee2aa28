"""What a model file requires of an engine, derived from the content of the file; TensorFlow is not needed."""

from __future__ import annotations

from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.onnx_requirements import read_onnx_requirements
from edgedigits_export.compat.tflite_requirements import read_tflite_requirements


def read_requirements(data: bytes, format_: Format) -> Requirements:
    """Derive what a model file requires from its content.

    Raises
    ------
    BundleError: the bytes are no file of that format, are broken, or keep weights in other files.

    """
    return read_tflite_requirements(data) if format_ == "tflite" else read_onnx_requirements(data)
