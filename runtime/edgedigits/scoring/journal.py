"""How far a process has come in a shard, for the next one to know which picture ended it."""

from __future__ import annotations

import os
import struct
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from edgedigits.errors import ImageError
from edgedigits.scoring.job import HIDDEN

# A picture at which so many processes ended is to blame; a single one may have been killed by somebody.
_ENOUGH = 3
_FORM = struct.Struct("<qq")


class Journal(AbstractContextManager["Journal"]):
    """A small file beside the result, with the picture that is at work and how many processes have ended at it."""

    def __init__(self, output: Path, name: str) -> None:
        """Open the file of a shard, or find it as the last process left it."""
        self._path = output / f"{HIDDEN}{name}.at"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        told = os.pread(self._file, _FORM.size, 0)
        self._suspect, ended = _FORM.unpack(told) if len(told) == _FORM.size else (-1, 0)
        self._ended = ended + 1

    def begin(self, number: int) -> ImageError | None:
        """Note that a picture is next; return the error in its place if it has ended too many processes."""
        suspect = number == self._suspect
        if suspect and self._ended >= _ENOUGH:
            return ImageError(f"ended {self._ended} processes that tried to read it")
        os.pwrite(self._file, _FORM.pack(number, self._ended if suspect else 0), 0)
        return None

    def __exit__(self, *_: object) -> None:
        """Remove the file: the shard is done, or has failed in a way that is told."""
        os.close(self._file)
        with suppress(OSError):
            self._path.unlink()
