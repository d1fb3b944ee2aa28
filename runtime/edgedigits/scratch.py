"""A folder for what is needed for a while, which the next run removes when this one is killed."""

from __future__ import annotations

import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path

from edgedigits.temporary_files import temporary_sibling


class ScratchFolder:
    """A folder, ``name``, in the system's place for temporary ones, until `cleanup` or the end of a ``with`` block."""

    def __init__(self) -> None:
        """Make the folder."""
        until = ExitStack()
        place = Path(tempfile.gettempdir(), "edgedigits")
        self.name = str(until.enter_context(temporary_sibling(place, folder=True)))
        self._end = weakref.finalize(self, until.close)  # at the process's end at the latest

    def cleanup(self) -> None:
        """Remove the folder with all in it."""
        self._end()

    def __enter__(self) -> str:
        """Return its name."""
        return self.name

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.cleanup()
