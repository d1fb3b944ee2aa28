"""Atomic writing of files and folders, and the folder of caches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgedigits.errors import OutputError


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
    import tempfile  # this import takes 2 ms, which most users of this module do not need

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


@contextmanager
def folder_atomic(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary sibling folder to fill; it replaces ``path`` at the end, unless there was an error.

    Raises
    ------
    OutputError: ``path`` exists and ``overwrite`` is not set, or the folder cannot be written.

    """
    import shutil
    import tempfile

    refuse_existing(path, overwrite=overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    try:
        yield work
        for file in work.rglob("*"):
            _sync(file)
        work.chmod(0o777 & ~_umask())
        _replace_folder(work, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _replace_folder(work: Path, path: Path) -> None:
    """Move ``work`` to ``path``; an old folder there is renamed first, since replacing it in one step is impossible."""
    old = work.with_name(work.name + ".old")
    had = os.path.lexists(path)
    if had:
        os.rename(path, old)
    try:
        os.rename(work, path)
    except OSError:
        if had:
            os.rename(old, path)
        raise
    _sync(path.parent)
    if had:
        if old.is_dir() and not old.is_symlink():
            import shutil

            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink()


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
