"""The cache of emulated boards: folders that are made once, complete or absent, by one process at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgedigits.errors import OutputError
from edgedigits.files import cache_folder

Progress = Callable[[str], None]
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class CachedFolder:
    """A folder of the cache.

    Attributes
    ----------
    fill: writes the content into the empty folder that it is given.
    download_mb, unpacked_mb: the measured size to download and on the disk, in megabytes (10^6 bytes).

    """

    name: str
    fill: Callable[[Path], None]
    download_mb: float
    unpacked_mb: float


def boards_cache() -> Path:
    """Return the folder of the cache."""
    return cache_folder().absolute() / "boards"


def ensure_cached(folders: Sequence[CachedFolder], progress: Progress) -> list[Path]:
    """Return the paths of the folders; make those that are missing, after a line that tells their size.

    Raises
    ------
    TargetError: the content of a folder is not available on this machine.
    OutputError: the disk cannot be written.

    """
    cache = boards_cache()
    paths = [cache / folder.name for folder in folders]
    if all(path.is_dir() for path in paths):
        return paths
    try:
        with _locked(cache, progress):
            missing = [folder for folder in folders if not (cache / folder.name).is_dir()]
            if missing:
                download = sum(folder.download_mb for folder in missing)
                unpacked = sum(folder.unpacked_mb for folder in missing)
                progress(f"set-up, once: about {download:.0f} MB to download, {unpacked:.0f} MB in {cache}")
            for number, folder in enumerate(missing, 1):
                progress(f"[{number}/{len(missing)}] {folder.name}: {folder.download_mb:.0f} MB")
                _make(cache, folder)
    except OSError as error:
        raise OutputError(f"{cache}: cannot be written ({error.strerror or error}); set EDGEDIGITS_CACHE") from error
    return paths


def _make(cache: Path, folder: CachedFolder) -> None:
    """Fill a folder under a temporary name, and rename it when it is complete and on the disk."""
    work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cache))
    try:
        folder.fill(work)
        work.chmod(0o755)
        os.sync()
        work.rename(cache / folder.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _locked(cache: Path, progress: Progress) -> Iterator[None]:
    """Wait for other set-ups to end, and remove what a killed one left unfinished."""
    import fcntl  # not on Windows, where temporary environments work and emulated boards do not

    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another set-up to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
