"""What readers of model files raise on broken ones, and one line of it."""

from __future__ import annotations

import struct

# What broken offsets and lengths make the generated flatbuffer classes raise; they have no verifier.
PARSE_ERRORS = (struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


def reason(error: BaseException) -> str:
    """One line out of what a reader of broken bytes raised."""
    return " ".join(str(error).split())[:120] or type(error).__name__
