"""Temporary siblings of files and folders, which the next run removes when a run that was killed has left them.

Who makes one holds a lock on it, which the system lets go of with the process. What nobody holds is left over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PART = ".part"
_NAME = re.compile(r"\..+\.[a-z0-9_]{8}\.part(\.\w+)?", re.DOTALL)


def is_temporary(name: str) -> bool:
    """Return whether a name is one that `temporary_sibling` gives."""
    return _NAME.fullmatch(name) is not None


@contextmanager
def temporary_sibling(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield an empty file or folder beside ``path`` under a name that nobody can know; it is gone afterwards.

    Errors of the system pass through.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_left_over(path.parent)
    place, handle = _make(path, folder=folder)
    try:
        yield place
    finally:
        remove(place)
        if handle is not None:
            os.close(handle)


@cache
def remove_left_over(folder: Path) -> None:
    """Remove what killed processes have left in a folder; a process looks once."""
    if fcntl is None:
        return
    with suppress(OSError):
        for name in filter(is_temporary, os.listdir(folder)):
            with suppress(OSError):
                os.close(_lock(folder / name))
                remove(folder / name)


def remove(place: Path) -> None:
    """Remove a file, a link or a folder with all in it, if it is there."""
    if place.is_dir() and not place.is_symlink():
        import shutil  # this and the next import take 2 ms, which most users of this module do not need

        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink()


def _make(path: Path, *, folder: bool) -> tuple[Path, int | None]:
    """Return a new file or folder, and the descriptor that holds its lock, if there are locks."""
    import tempfile

    while True:
        prefix, suffix = f".{path.name}.", _PART if folder else _PART + path.suffix
        if folder:
            place = Path(tempfile.mkdtemp(suffix, prefix, path.parent))
        else:
            made, name = tempfile.mkstemp(suffix, prefix, path.parent)
            os.close(made)
            place = Path(name)
        try:
            return place, None if fcntl is None else _lock(place)
        except (BlockingIOError, FileNotFoundError):  # somebody who looks for left over ones was between the two calls
            remove(place)
        except OSError:  # no locks here, so that nobody removes what is left over
            return place, None


def _lock(place: Path) -> int:
    """Return a descriptor that holds the lock on a file or folder, or raise an error of the system."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(place)  # it may have been removed before it was locked
    except OSError:
        os.close(handle)
        raise
    return handle
