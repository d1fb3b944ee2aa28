"""Pack raw times into short text, so that a result can hold every single one."""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import InputError


def pack_times(times: NDArray[np.int64]) -> str:
    """Return nanoseconds, int64 ``[runs]``, as base64 (RFC 4648) of zlib (RFC 1950) of little-endian 64 bits."""
    return base64.b64encode(zlib.compress(times.astype("<i8").tobytes(), 9)).decode()


def unpack_times(text: str) -> NDArray[np.int64]:
    """Return the nanoseconds, int64 ``[runs]``, that `pack_times` packed.

    Raises
    ------
    InputError: `pack_times` did not make the text.

    """
    try:
        times = np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), "<i8")
    except (ValueError, zlib.error) as error:
        raise InputError(
            f"times: expected base64 of zlib of 64-bit nanoseconds, found something else ({error})"
        ) from error
    return times.astype(np.int64)
