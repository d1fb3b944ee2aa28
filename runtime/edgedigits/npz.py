"""Reading .npz archives that others wrote: what they take unpacked is known before anything is unpacked.

Source: NEP 1, "A simple file format for NumPy arrays", and the directory of a zip archive.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SUFFIX = ".npy"
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # what numpy writes
# Pictures of digits shrink to a tenth and less, and what shrinks to a thousandth is made to fill a memory.
_ALWAYS, _RATIO = 64 << 20, 32
_KINDS = "biufcSU"


def read_arrays(source: bytes | Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive whose names are ``wanted``; none of them is of Python objects.

    Raises
    ------
    OSError: the file cannot be read.
    ValueError: it is no archive of arrays, is broken, or has far more in it than its size is good for.

    """
    try:
        with open(source, "rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            size = file.seek(0, io.SEEK_END)
            with zipfile.ZipFile(file) as archive:
                members = [one for one in _members(archive, size) if wanted(one.filename.removesuffix(_SUFFIX))]
                return {one.filename.removesuffix(_SUFFIX): _read(archive, one) for one in members}
    except (OSError, ValueError):
        raise
    except Exception as error:  # broken archives raise zlib.error, EOFError, RuntimeError, MemoryError and more
        raise ValueError(str(error) or type(error).__name__) from error


def unpacked_limit(size: int) -> int:
    """Return the bytes to which packed data of ``size`` bytes may unpack."""
    return _ALWAYS + _RATIO * size


def _members(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """Return the directory of an archive of ``size`` bytes after verifying what it says of itself."""
    members = archive.infolist()
    if len({one.filename for one in members}) != len(members):
        raise ValueError("two arrays of one name")
    if other := next((one for one in members if one.compress_type not in _METHODS), None):
        raise ValueError(f"{other.filename!r} packed in a way that numpy does not use")
    unpacked, most = sum(one.file_size for one in members), unpacked_limit(size)
    if unpacked > most:
        raise ValueError(f"{unpacked:,} bytes of arrays in {size:,} bytes, more than {most:,}")
    return members


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    form: Any = np.lib.format  # whose functions are missing in numpy's type stubs
    with archive.open(member) as file:
        version = form.read_magic(file)
        headers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
        if version not in headers:
            raise ValueError(f"{member.filename!r} of version {version}")
        shape, _, dtype = headers[version](file)
        if dtype.kind not in _KINDS:
            raise ValueError(f"{member.filename!r} of {dtype}, expected numbers or text")
        needed, there = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
        if needed != there or min(shape, default=0) < 0:
            raise ValueError(f"{member.filename!r} of {there:,} bytes, expected {needed:,} of its shape")
    with archive.open(member) as file:
        array: NDArray[Any] = form.read_array(file, allow_pickle=False)
    return array
