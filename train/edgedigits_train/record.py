"""The record of a training run, train.json: configuration, versions, data, history and metrics."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from edgedigits.datasets import Dataset, Splits
from edgedigits.records import to_plain
from edgedigits.training_record import NAME, TrainedQuantization
from edgedigits_train.config import TrainConfig
from edgedigits_train.data.pictures import Pictures
from edgedigits_train.training.checkpoint import EpochResult
from edgedigits_train.training.evaluation import PaperScore, Score

__all__ = ["NAME", "SCHEMA", "DataRecord", "PaperRecord", "PartRecord", "TrainRecord", "describe_data", "to_bytes"]
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One part of the data: the count of its images, and their `Dataset.sha256`."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The data of a run; ``sha256`` is one hash of all parts, ``pictures`` is None where it is no folder of them."""

    source: str
    sha256: str
    labels: tuple[str, ...]
    image: tuple[int, ...]
    pictures: Pictures | None
    train: PartRecord
    validation: PartRecord
    test: PartRecord


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """The synthetic images that ``--paper`` added, and how well the model classifies such images.

    Attributes
    ----------
    train: the count of the pool's images by part, without those that the device's pipeline rejected.
    sha256: the hash of the pool, which depends on the pipeline and on Pillow, too.
    validation: the scores on another pool, drawn from the validation digits.

    """

    train: dict[str, int]
    sha256: str
    validation: PaperScore


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """Everything about a finished run.

    Attributes
    ----------
    schema: the version of this record's format.
    parameters, macs: the model's count of weights, and of multiplications with addition for one image.
    history: the results of all epochs.
    validation, test: the scores of the finished model on these parts of the data; with ``quantization``
        they are those of its file.
    paper: None for a run without ``--paper``.
    teacher_sha256: the hash of the teacher's file; None for a run without a teacher.
    from_sha256: the hash of the model's file that the run started from; None for one that began with fresh weights.
    quantization: the grid that the model was trained on; None for one that was trained in float.
    seconds: wall time of all ``epochs``, of drawing the ``paper`` images, and of the last ``process`` altogether.

    """

    schema: int
    config: TrainConfig
    versions: dict[str, str]
    data: DataRecord
    parameters: int
    macs: int
    history: tuple[EpochResult, ...]
    validation: Score
    test: Score
    paper: PaperRecord | None
    teacher_sha256: str | None
    from_sha256: str | None
    quantization: TrainedQuantization | None
    seconds: dict[str, float]


def describe_data(splits: Splits, pictures: Pictures | None = None) -> DataRecord:
    """Return counts and hashes of the data's parts, which came from these pictures if any."""
    parts = [_describe_part(part) for part in (splits.train, splits.validation, splits.test)]
    return DataRecord(
        source=splits.train.source,
        sha256=_joint_sha256(parts),
        labels=splits.train.names,
        image=tuple(int(size) for size in splits.train.images.shape[1:]),
        pictures=pictures,
        train=parts[0],
        validation=parts[1],
        test=parts[2],
    )


def to_bytes(record: Any) -> bytes:
    """Return the content of train.json: indented, with one line for each innermost list or object."""
    return (_indented(to_plain(record)) + "\n").encode()


def _describe_part(part: Dataset) -> PartRecord:
    return PartRecord(len(part), part.sha256())


def _joint_sha256(parts: list[PartRecord]) -> str:
    return hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()


def _indented(value: Any, depth: int = 0) -> str:
    """Return JSON for people to read: each row of a matrix and each epoch stands on a line of its own."""
    items = list(value.values()) if isinstance(value, dict) else value
    nested = isinstance(value, dict | list) and any(isinstance(item, dict | list) and item for item in items)
    if not nested and (depth > 1 or not isinstance(value, dict)):
        return json.dumps(value, allow_nan=False)
    pad = "\n" + " " * (depth + 1)
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {_indented(item, depth + 1)}" for key, item in value.items()]
        return "{" + pad + ("," + pad).join(lines) + pad[:-1] + "}"
    return "[" + pad + ("," + pad).join(_indented(item, depth + 1) for item in value) + pad[:-1] + "]"
