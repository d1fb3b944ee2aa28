"""The pictures of a shard one after the other, each with its name and, where it has one, its label."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgedigits.datasets.own import is_image_name
from edgedigits.errors import DatasetError, EdgeDigitsError, ImageError
from edgedigits.images.decode import MAX_BYTES, ImageSource
from edgedigits.images.pages import further_pages
from edgedigits.json_text import parse_json
from edgedigits.scoring.shards import Shard, image_names, open_array

_TIFF = (".tif", ".tiff")
# The ends of names in a tar of the WebDataset layout that tell a sample's label.
_LABELS = (".cls", ".json")
_LONGEST = 1 << 16  # bytes of such a file


class Sample(NamedTuple):
    """A picture, or the error in its place.

    Attributes
    ----------
    source: its name: a path, and in an archive what follows it there.
    picture: what `edgedigits.classifier.DigitClassifier` takes, or why there is none.
    label: what its source calls it, as text; None where it does not.

    """

    source: str
    picture: ImageSource | EdgeDigitsError
    label: str | None = None


def samples_of(shard: Shard) -> Iterator[Sample]:
    """Yield the samples of a shard; what cannot be read is one as well, with its error."""
    read = {"files": _of_files, "tar": _of_tar, "parquet": _of_parquet, "array": _of_array}[shard.kind]
    for sample in read(shard):
        yield sample
        if sample.source.lower().endswith(_TIFF) and not isinstance(sample.picture, EdgeDigitsError):
            for name, page in further_pages(sample.picture, sample.source):
                yield Sample(name, page, sample.label)


def _of_files(shard: Shard) -> Iterator[Sample]:
    label = Path(shard.path).name or None
    for name in image_names(shard.path)[shard.first : shard.last]:
        path = os.path.join(shard.path, name)
        yield Sample(path, path, label)


def _of_array(shard: Shard) -> Iterator[Sample]:
    pictures, labels = open_array(shard.path), labels_beside(shard)
    for row in range(shard.first, shard.last):
        label = None if labels is None else str(labels[row])
        yield Sample(f"{shard.path}#{row}", np.array(pictures[row]), label)


def labels_beside(shard: Shard) -> np.ndarray[Any, Any] | None:
    """Return the labels of an array, one for each picture, from ``NAME.labels.npy`` beside it; None without that file.

    Raises
    ------
    DatasetError: it does not hold as many numbers or texts.

    """
    file = Path(shard.path).with_suffix(".labels.npy")
    if not file.exists():
        return None
    expected = f"{file}: expected as many labels, numbers or texts, as {shard.path} has pictures"
    try:
        labels: np.ndarray[Any, Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{expected} ({error})") from error
    if labels.shape != open_array(shard.path).shape[:1] or labels.dtype.kind not in "iuU":
        raise DatasetError(f"{expected}, found {labels.dtype} {list(labels.shape)}")
    return labels


def _of_tar(shard: Shard) -> Iterator[Sample]:
    """Yield a tar's pictures; files that stand together and are called alike up to their first dot are one sample."""
    try:
        with tarfile.open(shard.path) as archive:
            group: dict[str, bytes | EdgeDigitsError] = {}
            key = None
            for member in archive:
                if not member.isfile():
                    continue
                folder, name = os.path.split(member.name)
                if (start := os.path.join(folder, name.partition(".")[0])) != key:
                    yield from _together(shard, group)
                    group, key = {}, start
                group[member.name] = _content(archive, member, shard)
            yield from _together(shard, group)
    except (tarfile.TarError, OSError, EOFError) as error:
        yield Sample(shard.path, DatasetError(f"{shard.path}: cannot be read to its end ({error})"))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, shard: Shard) -> bytes | EdgeDigitsError:
    """Return a file's bytes, if it has to do with pictures and is not too large for one."""
    limit = MAX_BYTES if is_image_name(member.name) else _LONGEST
    if member.size > limit:
        return ImageError(f"{shard.path}/{member.name}: expected at most {limit:,} bytes, found {member.size:,}")
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _together(shard: Shard, group: dict[str, bytes | EdgeDigitsError]) -> Iterator[Sample]:
    label = next((_label(name, data) for name, data in group.items() if name.endswith(_LABELS)), None)
    for name, data in group.items():
        if is_image_name(name):
            yield Sample(f"{shard.path}/{name}", data, label)


def _label(name: str, data: bytes | EdgeDigitsError) -> str | None:
    """Return the label in a sample's .cls file, its text, or in its .json file, ``label``."""
    if isinstance(data, EdgeDigitsError):
        return None
    text = data.decode(errors="replace").strip()
    if name.endswith(".json"):
        try:
            found = parse_json(text)
        except ValueError:
            return None
        text = str(found.get("label", "")) if isinstance(found, dict) else ""
    return text or None


def _of_parquet(shard: Shard) -> Iterator[Sample]:
    """Yield the pictures of a row group, which are in its first column of bytes; ``label`` has the labels."""
    from pyarrow import ArrowException

    try:
        for number, (data, label) in enumerate(_rows(shard)):
            source = f"{shard.path}#{shard.first}.{number}"
            picture = ImageError(f"{source}: expected a picture, found none") if data is None else data
            yield Sample(source, picture, None if label is None else str(label))
    except (ArrowException, OSError, DatasetError) as error:
        yield Sample(shard.path, DatasetError(f"{shard.path}: {str(error).removeprefix(f'{shard.path}: ')}"))


def _rows(shard: Shard) -> Iterator[tuple[bytes | None, Any]]:
    from pyarrow import Schema
    from pyarrow.parquet import ParquetFile

    with ParquetFile(shard.path) as file:
        schema: Schema = file.schema_arrow
        column = picture_column(schema)
        if column is None:
            raise DatasetError("expected a column of encoded pictures, bytes or a struct with the field bytes")
        names = [column] + ["label"] * ("label" in schema.names)
        for batch in file.iter_batches(64, row_groups=[shard.first], columns=names):
            labels: Iterable[Any] = batch["label"].to_pylist() if len(names) > 1 else [None] * len(batch)
            for value, label in zip(batch[column].to_pylist(), labels, strict=True):
                yield (value or {}).get("bytes") if isinstance(value, dict) else value, label


def picture_column(schema: Any) -> str | None:
    """Return the first column of bytes, or of structs with ``bytes`` as Hugging Face writes them; None without one."""
    from pyarrow import types

    def is_bytes(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    for field in schema:
        kind = field.type
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            kind = kind.field("bytes").type
        if is_bytes(kind):
            return str(field.name)
    return None
