"""Keep processes that hold a large model small."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

# glibc keeps blocks of memory that were freed, for later; those of at least so many bytes it is to give back.
THRIFTY = {"MALLOC_MMAP_THRESHOLD_": "131072"}


def give_back() -> None:
    """Free what nobody holds any more, and give it back to the system where the C library can.

    TensorFlow's graphs hold themselves in circles, with all weights, and glibc keeps what was freed.
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
