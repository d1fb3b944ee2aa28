"""A bundle's files before they are trusted: from a folder, or from the .tar that `pack` writes.

Nothing is unpacked here. Of an archive the headers are read first, so that its files are known with their sizes before
any content is.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from edgedigits.errors import BundleError
from edgedigits.records import FILE_NAME

BLOCK = tarfile.BLOCKSIZE
# More than any bundle has that a board would run; of an archive nothing beyond is read.
MAX_BYTES, MAX_FILES = 1 << 30, 100


class Part(NamedTuple):
    """Where a file's content is: ``file`` holds ``size`` bytes of it from ``offset`` on."""

    file: Path
    offset: int
    size: int

    def read(self, at_most: int = MAX_BYTES) -> bytes:
        """Return the content.

        Raises
        ------
        BundleError: it is larger than ``at_most``, shorter than it was, or no regular file.

        """
        if self.size > at_most:
            raise BundleError(f"{self.file}: expected a part of at most {at_most:,} bytes, found {self.size:,}")
        with _open(self.file) as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) != self.size:
            raise BundleError(f"{self.file}: ends too early; copy it again")
        return data


def parts_of(place: Path) -> dict[str, Part]:
    """Return the files of a bundle by name, in a folder or in an archive.

    Raises
    ------
    BundleError: there is no such folder or archive, it has other things than regular files with plain names, or it is
        larger than any bundle.

    """
    found = _in_folder(place) if place.is_dir() else _in_archive(place)
    size = sum(part.size for part in found.values())
    if size > MAX_BYTES or len(found) > MAX_FILES:
        raise BundleError(f"{place}: expected at most {MAX_FILES} files and {MAX_BYTES:,} bytes, found {size:,} bytes")
    return found


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """Return a .tar that depends on names and contents alone: sorted, without times and owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def _in_folder(folder: Path) -> dict[str, Part]:
    """Return the regular files of a folder; whatever else somebody keeps in it is not looked at."""
    entries = ((entry, entry.lstat()) for entry in folder.iterdir())
    return {entry.name: Part(entry, 0, found.st_size) for entry, found in entries if stat.S_ISREG(found.st_mode)}


def _in_archive(path: Path) -> dict[str, Part]:
    with _open(path) as file:
        whole = os.fstat(file.fileno()).st_size
        found: dict[str, Part] = {}
        for entry, offset in _headers(file, path):
            plain = entry.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and re.fullmatch(FILE_NAME, entry.name)
            if not plain or entry.name in found:
                raise BundleError(
                    f"{path}: expected regular files, once each and without folders, links or devices, found "
                    f"{entry.name!r}; pack the bundle with edgedigits bundle pack"
                )
            if not 0 <= entry.size <= whole - offset or len(found) == MAX_FILES:
                raise BundleError(f"{path}: expected {entry.name} whole, found {whole:,} bytes in all; copy it again")
            found[entry.name] = Part(path, offset, entry.size)
            file.seek(offset + -(-entry.size // BLOCK) * BLOCK)
        return found


def _headers(file: BinaryIO, path: Path) -> Iterable[tuple[tarfile.TarInfo, int]]:
    """Yield each header and where its content begins; extended headers are entries here, and so are refused."""
    while (block := file.read(BLOCK)) != bytes(BLOCK):
        try:
            yield tarfile.TarInfo.frombuf(block, "utf-8", "strict"), file.tell()
        except (tarfile.HeaderError, ValueError) as error:
            raise BundleError(
                f"{path}: expected a bundle's folder, or the .tar of edgedigits bundle pack, found {error}"
            ) from error


def _open(path: Path) -> BinaryIO:
    """Open a regular file, and nothing that a link leads to or that would make a reader wait."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BundleError(f"{path}: expected a file, found something else")
    return os.fdopen(handle, "rb")
