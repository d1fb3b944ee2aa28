"""Folders made once and kept: each whole or not there, filled by one process at a time."""

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
class Part:
    """One folder of the cache.

    Attributes
    ----------
    fill: puts its content into the empty folder that it is given.
    download, unpacked: about how many megabytes (10^6 bytes) it takes; measured.

    """

    name: str
    fill: Callable[[Path], None]
    download: float
    unpacked: float


def boards_cache() -> Path:
    """Where the parts live."""
    return cache_folder().absolute() / "boards"


def provide(parts: Sequence[Part], progress: Progress) -> list[Path]:
    """Where the parts are; those that are missing are made now, after their sizes were told.

    Raises
    ------
    TargetError: a part cannot be had here.
    OutputError: the disk does not take it.

    """
    cache = boards_cache()
    places = [cache / part.name for part in parts]
    if all(place.is_dir() for place in places):
        return places
    try:
        with _only_one(cache, progress):
            missing = [part for part in parts if not (cache / part.name).is_dir()]
            if missing:
                download, unpacked = (sum(getattr(part, size) for part in missing) for size in ("download", "unpacked"))
                progress(f"set-up, once: about {download:.0f} MB to download, {unpacked:.0f} MB in {cache}")
            for number, part in enumerate(missing, 1):
                progress(f"[{number}/{len(missing)}] {part.name}: {part.download:.0f} MB")
                _make(cache, part)
    except OSError as error:
        raise OutputError(f"{cache}: cannot be written ({error.strerror or error}); set EDGEDIGITS_CACHE") from error
    return places


def _make(cache: Path, part: Part) -> None:
    """Fill a folder of another name, and name it when it is whole and on the disk."""
    work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cache))
    try:
        part.fill(work)
        work.chmod(0o755)
        os.sync()
        work.rename(cache / part.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _only_one(cache: Path, progress: Progress) -> Iterator[None]:
    """Wait for other set-ups; then what a killed one left behind can go."""
    import fcntl  # not on Windows, where throw-away environments serve and emulated boards do not

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
