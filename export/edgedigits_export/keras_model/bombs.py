"""Refuse a Keras file that takes far more memory than its size is good for, before anything of it is unpacked."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from edgedigits.npz import unpacked_limit
from edgedigits_export.lazy_imports import load

_WEIGHTS = "model.weights.h5"
_JSON = 64 << 20  # bytes: the configuration of thousands of layers is one of them


def refuse_bombs(path: Path, archive: zipfile.ZipFile) -> None:
    """Verify what an archive's directory says of its members, and what the weights say of theirs.

    Raises
    ------
    ValueError: they are far larger than the file.

    """
    for member in archive.infolist():
        if member.filename.endswith(".json") and member.file_size > _JSON:
            raise ValueError(f"{member.filename} of {member.file_size:,} bytes")
    _refuse(sum(member.file_size for member in archive.infolist()), path)
    if _WEIGHTS in archive.namelist():
        with archive.open(_WEIGHTS) as stored, load("h5py").File(stored) as weights:
            refuse_large_weights(path, weights)


def refuse_large_weights(path: Path, file: Any) -> None:
    """Verify the sizes of all arrays in an HDF5 file, which need not be stored to be there.

    Raises
    ------
    ValueError: they are far larger than the file.

    """
    sizes: list[int] = []
    file.visititems(lambda _, one: sizes.append(int(getattr(one, "nbytes", 0))))
    _refuse(sum(sizes), path)


def network_memory(path: Path) -> int:
    """Return the bytes that building a file's network may take: its weights some times, and the frameworks' own."""
    return (2 << 30) + 16 * path.stat().st_size + ((os.cpu_count() or 1) << 27)  # threads reserve addresses


def _refuse(unpacked: int, path: Path) -> None:
    size = path.stat().st_size
    if unpacked > (most := unpacked_limit(size)):
        raise ValueError(f"{unpacked:,} bytes in {size:,} bytes, more than {most:,}")
