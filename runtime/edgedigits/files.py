"""Atomic writing of files and folders, and the folder of caches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgedigits.errors import OutputError
from edgedigits.temporary_files import remove, temporary_sibling

_CWD, _RENAME_EXCHANGE = -100, 2  # of renameat2


def cache_folder() -> Path:
    """Return the folder in ``EDGEDIGITS_CACHE``, or else this system's cache folder of the user."""
    if chosen := os.environ.get("EDGEDIGITS_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "edgedigits"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "edgedigits"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "edgedigits"


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Refuse to replace a file or folder, before the work starts.

    Raises
    ------
    OutputError: ``path`` exists and ``overwrite`` is not set.

    """
    if not overwrite and os.path.lexists(path):
        raise OutputError(f"{path}: exists already; choose another path or add --overwrite")


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that readers see either the old or the new content, even after a power cut.

    Raises
    ------
    OutputError: the file cannot be written; an existing one is unchanged.

    """
    with file_atomic(path) as part:
        part.write_bytes(data)


def write_cache(path: Path, data: bytes) -> None:
    """Write a file of a cache; where it cannot be written, nothing but time is lost."""
    with suppress(OutputError):
        write_atomic(path, data)


@contextmanager
def file_atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary file of the same ending to fill; it replaces ``path`` at the end, unless there was an error.

    Raises
    ------
    OutputError: the file cannot be written; an existing one is unchanged.

    """
    with _told(path), temporary_sibling(path) as part:
        yield part
        _sync(part)
        part.chmod(0o666 & ~_umask())
        part.replace(path)


@contextmanager
def folder_atomic(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary sibling folder to fill; it replaces ``path`` at the end, unless there was an error.

    Raises
    ------
    OutputError: ``path`` exists and ``overwrite`` is not set, or the folder cannot be written.

    """
    recover(path)
    refuse_existing(path, overwrite=overwrite)
    with _told(path), temporary_sibling(path, folder=True) as work:
        yield work
        for file in work.rglob("*"):
            _sync(file)
        work.chmod(0o777 & ~_umask())
        _replace_folder(work, path)


def recover(path: Path) -> None:
    """Bring back the folder that a process was replacing when it was killed, where that takes two steps."""
    old = _old(path)
    with suppress(OSError):
        if os.path.lexists(old):
            if os.path.lexists(path):  # the new one is there
                remove(old)
            else:
                os.rename(old, path)


def _replace_folder(work: Path, path: Path) -> None:
    """Move ``work`` to ``path``; what was there is then in its place, or gone."""
    if os.path.lexists(path) and not _exchange(work, path):
        old = _old(path)
        os.rename(path, old)
        try:
            os.rename(work, path)
        except OSError:
            os.rename(old, path)
            raise
        _sync(path.parent)
        remove(old)
        return
    if not os.path.lexists(path):
        os.rename(work, path)
    _sync(path.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the disk cannot do that."""
    if sys.platform != "linux":
        return False
    import ctypes

    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    return exchange is not None and not exchange(_CWD, os.fsencode(one), _CWD, os.fsencode(other), _RENAME_EXCHANGE)


def _old(path: Path) -> Path:
    return path.with_name(f".{path.name}.replaced")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def _sync(path: Path) -> None:
    """Flush a file, or a folder where the system can open one, to the disk."""
    if path.is_dir() and sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    """Return the process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
