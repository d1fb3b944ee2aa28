"""Keep what native libraries chat about away from people who asked for a digit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_descriptor(descriptor: int) -> Iterator[None]:
    """Send file descriptor 1 or 2 to nowhere for a while; one that is not open is left alone.

    LiteRT tells on standard error that it made a delegate, and converters talk on both; no option stops them.
    """
    stream = sys.stdout if descriptor == 1 else sys.stderr
    try:
        kept = os.dup(descriptor)
    except OSError:
        yield
        return
    if stream is not None:
        stream.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)
