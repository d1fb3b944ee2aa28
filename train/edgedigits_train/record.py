"""train.json: what a run was, from what, and how good the result is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from edgedigits.datasets import Dataset, Splits
from edgedigits.records import to_plain
from edgedigits_train.config import TrainConfig
from edgedigits_train.training.checkpoint import EpochResult
from edgedigits_train.training.evaluation import PaperScore, Score

NAME = "train.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One part of the data: how many images, and `Dataset.sha256` of them."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The data of a run; ``sha256`` names all parts together."""

    source: str
    sha256: str
    labels: tuple[str, ...]
    image: tuple[int, ...]
    train: PartRecord
    validation: PartRecord
    test: PartRecord


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """What ``--paper`` added: images by part (those that the pipeline refused left out), and how well they are read.

    ``sha256`` names the pool itself, which depends on the pipeline and on Pillow, too. ``validation`` is of a pool
    drawn from the validation digits.
    """

    train: dict[str, int]
    sha256: str
    validation: PaperScore


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """Everything about a finished run.

    ``paper`` is None for a run without, ``teacher_sha256`` (of the file) for one without a teacher. ``seconds`` is
    wall time, of all epochs and of the whole last process.
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
    seconds: dict[str, float]


def describe_data(splits: Splits) -> DataRecord:
    """Hash and count the parts."""
    parts = [_describe_part(part) for part in (splits.train, splits.validation, splits.test)]
    return DataRecord(
        source=splits.train.source,
        sha256=_joint_sha256(parts),
        labels=splits.train.names,
        image=tuple(int(size) for size in splits.train.images.shape[1:]),
        train=parts[0],
        validation=parts[1],
        test=parts[2],
    )


def to_bytes(record: TrainRecord) -> bytes:
    """The file's content: indented, except the innermost lists and objects, which take one line each."""
    return (_indented(to_plain(record)) + "\n").encode()


def _describe_part(part: Dataset) -> PartRecord:
    return PartRecord(len(part), part.sha256())


def _joint_sha256(parts: list[PartRecord]) -> str:
    return hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()


def _indented(value: Any, depth: int = 0) -> str:
    """JSON for people: a matrix as rows, an epoch as a line."""
    items = list(value.values()) if isinstance(value, dict) else value
    nested = isinstance(value, dict | list) and any(isinstance(item, dict | list) and item for item in items)
    if not nested and (depth > 1 or not isinstance(value, dict)):
        return json.dumps(value, allow_nan=False)
    pad = "\n" + " " * (depth + 1)
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {_indented(item, depth + 1)}" for key, item in value.items()]
        return "{" + pad + ("," + pad).join(lines) + pad[:-1] + "}"
    return "[" + pad + ("," + pad).join(_indented(item, depth + 1) for item in value) + pad[:-1] + "]"
