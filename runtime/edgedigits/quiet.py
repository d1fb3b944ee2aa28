"""Hiding the messages that native libraries print."""

from __future__ import annotations

import io
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


def keep_engines_off_stdout() -> None:
    """Let what native libraries write to file descriptor 1 go to standard error, so that only Python's output is there.

    Does nothing where either stream is closed or no file.
    """
    said = sys.stdout
    if sys.stderr is None or not isinstance(said, io.TextIOWrapper):
        return
    try:
        own = os.dup(said.fileno())
        os.dup2(2, 1)
    except (OSError, ValueError):
        return
    buffering = 1 if said.line_buffering or said.write_through else -1
    sys.stdout = open(own, "w", buffering, said.encoding, said.errors)  # noqa: SIM115  open to the end
