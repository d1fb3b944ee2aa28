"""The rows of a result: what became of each picture, as columns of a Parquet file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.errors import EdgeDigitsError, OutputError
from edgedigits.prediction import Prediction
from edgedigits.reading import ReadDigit, Reading
from edgedigits.scoring.job import HIDDEN, Job, Task

# The columns of both tasks; ``expected`` is the label that the picture's source gives it.
_COMMON = ("source", "expected", "error")
_OWN: dict[Task, tuple[str, ...]] = {"classify": ("label", "confidence", "rejected"), "read": ("text", "boxes")}
_CONSTANT = ("bundle", "engine", "release")
# What becomes of a picture.
Result = Prediction | Reading | EdgeDigitsError


class Rows:
    """The rows of one shard."""

    def __init__(self, job: Job) -> None:
        """Begin without any."""
        self._job = job
        self._columns: dict[str, list[Any]] = {name: [] for name in (*_COMMON, *_OWN[job.task])}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._columns["source"])

    def add(self, results: Iterable[tuple[str, str | None, Result]]) -> None:
        """Add pictures, each with its source, the label that this gives it, and what became of it."""
        for source, expected, result in results:
            row: dict[str, Any] = {"source": source, "expected": expected}
            if isinstance(result, Prediction):
                row |= {"label": result.label, "confidence": result.confidence, "rejected": result.rejected}
            elif isinstance(result, Reading):
                row |= {"text": result.text, "boxes": _boxes(result)}
            else:
                row |= {"error": str(result)}
            for name, values in self._columns.items():
                values.append(row.get(name))

    def extend(self, source: list[str], **columns: list[Any] | None) -> None:
        """Add many rows at once; a column that is not named, or None, is null in them."""
        for name, values in self._columns.items():
            values.extend(source if name == "source" else columns.get(name) or [None] * len(source))

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; another process may be writing the same.

        Raises
        ------
        OutputError: it cannot be written.

        """
        import pyarrow as pa
        from pyarrow import parquet

        schema = _schema(self._job.task)
        constants = {"bundle": self._job.id, "engine": self._job.engine, "release": self._job.release}
        columns: dict[str, Any] = {
            name: pa.array(self._columns[name], schema.field(name).type) for name in self._columns
        }
        for name, value in constants.items():
            columns[name] = pa.DictionaryArray.from_arrays(np.zeros(len(self), np.int32), [value])
        part = path.with_name(f"{HIDDEN}{path.name}.{os.getpid()}")
        try:
            table = pa.table([columns[name] for name in schema.names], schema=schema)
            # A dictionary of sources would have each of them once.
            parquet.write_table(table, part, use_dictionary=[name for name in schema.names if name != "source"])
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            if path.exists():  # by another process, and the result is whole: `close_output` has removed this one's file
                return
            raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
        finally:
            with suppress(OSError):
                part.unlink()


def _schema(task: Task) -> Any:
    import pyarrow as pa

    corners = [(name, pa.int32()) for name in ("top", "left", "bottom", "right")]
    box = pa.struct([("text", pa.string()), ("confidence", pa.float32()), ("rejected", pa.string()), *corners])
    own = {"confidence": pa.float32(), "boxes": pa.list_(box)}
    constant = {name: pa.dictionary(pa.int32(), pa.string()) for name in _CONSTANT}
    names = ("source", "expected", *_OWN[task], "error", *_CONSTANT)
    return pa.schema([(name, {**own, **constant}.get(name, pa.string())) for name in names])


def _boxes(reading: Reading) -> list[dict[str, Any]]:
    """Return the digits and marks of a page in reading order, with their boxes in pixels of the source."""
    found = []
    for line in reading.lines:
        for word in line.words:
            for one in word.characters:
                corners = dict(zip(("top", "left", "bottom", "right"), one.box, strict=True))
                digit = one if isinstance(one, ReadDigit) else None
                reason = digit.rejection.reason if digit and digit.rejection else None
                found.append(
                    {"text": one.text, "confidence": digit and digit.confidence, "rejected": reason, **corners}
                )
    return found
