"""Raw times, small enough to be kept all: nanoseconds as text."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import InputError


def pack(times: NDArray[np.int64]) -> str:
    """Whole nanoseconds in the order of measuring, as base64 of zlib (RFC 4648, RFC 1950) of little-endian 64 bits."""
    return base64.b64encode(zlib.compress(times.astype("<i8").tobytes(), 9)).decode()


def unpack(text: str) -> NDArray[np.int64]:
    """The times again.

    Raises
    ------
    InputError: the text is not of `pack`.

    """
    try:
        times = np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), "<i8")
    except (ValueError, zlib.error) as error:
        raise InputError(
            f"times: expected base64 of zlib of 64-bit nanoseconds, found something else ({error})"
        ) from error
    return times.astype(np.int64)
