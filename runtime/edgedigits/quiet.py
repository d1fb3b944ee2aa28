"""Hiding the messages that native libraries print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_descriptor(descriptor: int) -> Iterator[None]:
    """Discard what is written to file descriptor 1 or 2 inside a ``with`` block; a closed one is left alone.

    LiteRT prints to standard error that it created a delegate, and converters print to both; no option stops them.
    """
    stream = sys.stdout if descriptor == 1 else sys.stderr
    try:
        kept = os.dup(descriptor)
    except OSError:
        yield
        return
    if stream is not None:
        stream.flush()
    discard = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(discard, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(discard)
