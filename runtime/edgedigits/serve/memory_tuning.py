"""Settings of glibc and of the garbage collector that keep a long-lived service small after one large picture."""

from __future__ import annotations

import ctypes
import gc

# mallopt(3): glibc returns a block of at least _LARGE bytes as soon as it is free, and keeps at most _UNUSED bytes of
# smaller free blocks. By default it raises both limits to the largest size that was ever allocated.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_UNUSED, _LARGE = 8 << 20, 1 << 20
# Python's own thresholds. The command collects garbage seldom, since most commands soon end; each connection leaves
# some.
_GARBAGE = (700, 10, 10)


def return_freed_memory() -> None:
    """Make this process return freed memory to the system; call it once, before the first picture."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and does not need it
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _UNUSED)
        mallopt(_MMAP_THRESHOLD, _LARGE)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
