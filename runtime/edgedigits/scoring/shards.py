"""What there is to score, cut into shards: each becomes one file of the result."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets.own import is_image_name
from edgedigits.errors import DatasetError, UsageError

Kind = Literal["files", "tar", "parquet", "array"]

# The most files of a folder and rows of an array in a part: few enough that a killed process loses seconds, and many
# enough that the files of a result are no archive again.
FILES, ROWS = 1_000, 100_000
# A folder or an array is cut into so many parts at least, for processes to end at about the same time, but for the
# sake of that into none smaller than this share of the most.
_PARTS, _LEAST = 64, 0.1
_SUFFIXES: dict[str, Kind] = {".tar": "tar", ".parquet": "parquet", ".npy": "array"}


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the input.

    Attributes
    ----------
    name: what its file of the result is called, without its end; no other shard has the same.
    kind: ``files``, those of a folder; ``tar``; ``parquet``, one row group of it; ``array``, rows of an .npy file.
    path: the folder or the file.
    first, last: of its sorted files, or of an array's rows, those from ``first`` up to ``last``, which is not one of
        them; of a Parquet file its row group; of a tar 0 and 0.
    count: how many pictures it has; None of a tar, which does not say.
    content: a hash of what it holds, as far as that can be told without reading it.

    """

    name: str
    kind: Kind
    path: str
    first: int
    last: int
    count: int | None
    content: str


def find_shards(inputs: Sequence[str]) -> list[Shard]:
    """Return the shards of folders, tars, Parquet files and .npy files, in the order in which they are named.

    Of a folder, all image files count that are in it and below it, and all tars, Parquet files and .npy files.

    Raises
    ------
    DatasetError: an input is none of these, cannot be read, or has no pictures.
    UsageError: an input is named twice.

    """
    if twice := sorted({one for one in inputs if inputs.count(one) > 1}):
        raise UsageError(f"{twice[0]}: named twice; name each input once")
    parts = [part for one in inputs for part in _parts(one)]
    return [_named(number, *part) for number, part in enumerate(parts)]


Part = tuple[Kind, str, int, int, int | None, str]


def _parts(place: str) -> list[Part]:
    if os.path.isdir(place):
        found = [part for folder, archives in _walk(place) for part in _of_folder(folder, archives)]
    else:
        found = list(_of_file(place))
    if not found:
        kinds = ", ".join(_SUFFIXES)
        raise DatasetError(f"{place}: expected images, {kinds} files, or a folder of them, found none")
    return found


def _walk(place: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder from ``place`` on, and the archives in it; hidden folders are passed over."""

    def refuse(error: OSError) -> None:
        raise DatasetError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for folder, below, names in os.walk(place, onerror=refuse):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield folder, sorted(os.path.join(folder, name) for name in names if Path(name).suffix.lower() in _SUFFIXES)


def _of_folder(folder: str, archives: list[str]) -> Iterator[Part]:
    names = image_names(folder)
    for first, last in _cut(len(names), FILES):
        yield "files", folder, first, last, last - first, _hash("\0".join(names[first:last]))
    for archive in archives:
        if not Path(archive).name.startswith("."):
            yield from _of_file(archive)


def _cut(count: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield where each part begins and ends."""
    size = min(most, max(round(_LEAST * most), math.ceil(count / _PARTS)))
    for first in range(0, count, size):
        yield first, min(first + size, count)


@lru_cache(maxsize=1)
def image_names(folder: str) -> tuple[str, ...]:
    """Return the names of a folder's images in their order; the last folder's are kept."""
    with os.scandir(folder) as entries:
        names = [one.name for one in entries if is_image_name(one.name) and one.is_file()]
    return tuple(sorted(name for name in names if not name.startswith(".")))


def _of_file(path: str) -> Iterator[Part]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    kind = _SUFFIXES.get(Path(path).suffix.lower())
    content = _hash(f"{status.st_size} {status.st_mtime_ns}")
    if kind == "tar":
        yield kind, path, 0, 0, None, content
    elif kind == "parquet":
        for group, rows in enumerate(_row_groups(path)):
            yield kind, path, group, group + 1, rows, content
    elif kind == "array":
        for first, last in _cut(len(open_array(path)), ROWS):
            yield kind, path, first, last, last - first, content
    elif is_image_name(path):
        folder, name = os.path.split(path)
        index = image_names(folder or ".").index(name)
        yield "files", folder or ".", index, index + 1, 1, content


def _row_groups(path: str) -> list[int]:
    from pyarrow import ArrowException, OSFile
    from pyarrow.parquet import ParquetFile

    try:
        with OSFile(path) as file:
            about = ParquetFile(file).metadata
            return [about.row_group(number).num_rows for number in range(about.num_row_groups)]
    except (ArrowException, OSError) as error:
        raise DatasetError(f"{path}: expected a Parquet file ({_first_line(error)})") from error


def open_array(path: str) -> NDArray[np.uint8]:
    """Open the pictures of an .npy file, uint8 ``[N, H, W]`` or ``[N, H, W, C]``, without reading them.

    Raises
    ------
    DatasetError: it is not such a file.

    """
    expected = f"{path}: expected pictures, uint8 [N, H, W] or [N, H, W, C]"
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{expected} ({_first_line(error)})") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim not in {3, 4}:
        shape = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else "several arrays"
        raise DatasetError(f"{expected}, found {shape}")
    return array


def _named(number: int, kind: Kind, path: str, first: int, last: int, count: int | None, content: str) -> Shard:
    stem = re.sub(r"[^\w-]", "_", Path(path).name if kind == "files" else Path(path).stem)[:60]
    return Shard(f"{number:05}-{stem}", kind, path, first, last, count, content)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
