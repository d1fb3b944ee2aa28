"""Keep processes that hold a large model small."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of mallopt
_LARGE = 2**20


def keep_no_blocks() -> None:
    """Make glibc give back blocks of a mebibyte and more as soon as they are freed, in place of keeping them."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Free what nobody holds any more, and give it back to the system where the C library can.

    TensorFlow's graphs hold themselves in circles, with all weights, and glibc keeps what was freed.
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
