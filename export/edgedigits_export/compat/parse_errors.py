"""The exceptions that the readers of model files raise on a file that they cannot read, and the error for it."""

from __future__ import annotations

import struct

from edgedigits.engines.refusal import why_not_whole
from edgedigits.errors import BundleError
from edgedigits.manifest import Format

# The generated flatbuffer classes have no verifier; broken offsets and lengths make them raise these.
PARSE_ERRORS = (struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


def unreadable(data: bytes, format_: Format, error: BaseException) -> BundleError:
    """Return the error for a file on which a reader failed: it is broken, or whole and newer than the reader."""
    said = " ".join(str(error).split())[:120] or type(error).__name__
    name = {"tflite": "TFLite", "onnx": "ONNX"}[format_]
    if why_not_whole(data, format_) is not None:
        return BundleError(f"expected a whole {name} file, found a broken one ({said})")
    return BundleError(
        f"expected {name} as this version knows it, found a whole file with something else in it ({said}); update "
        "edgedigits and the packages of its extra [check]"
    )
