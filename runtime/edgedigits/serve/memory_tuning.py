"""Give memory back: a service lives long, and one large picture must not make it large for good."""

from __future__ import annotations

import ctypes
import gc

# mallopt(3): what is at least so large goes back as soon as it is free, and of what is smaller no more than so much
# stays unused. Left to itself, glibc raises both to whatever was asked for once.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_UNUSED, _LARGE = 8 << 20, 1 << 20
# The command searches for garbage seldom, since most verbs soon end; each connection leaves some. Python's own:
_GARBAGE = (700, 10, 10)


def be_frugal() -> None:
    """Once, before pictures are answered."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and no such habit
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _UNUSED)
        mallopt(_MMAP_THRESHOLD, _LARGE)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
