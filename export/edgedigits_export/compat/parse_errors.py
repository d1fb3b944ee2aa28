"""The exceptions that the readers of model files raise on a broken file."""

from __future__ import annotations

import struct

# The generated flatbuffer classes have no verifier; broken offsets and lengths make them raise these.
PARSE_ERRORS = (struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


def describe_parse_error(error: BaseException) -> str:
    """Return one line that describes what a reader raised."""
    return " ".join(str(error).split())[:120] or type(error).__name__
