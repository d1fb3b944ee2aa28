"""What a result comes to: counts over the rows of all its files, one file at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.datasets.labels import find_label
from edgedigits.scoring.job import Task
from edgedigits.verification.statistics import wilson

_BINS = 20


@dataclass
class Summary:
    """Counts over the pictures of a result.

    Attributes
    ----------
    pictures: how many rows there are.
    errors: how many pictures could not be read.
    answers: of `classify` how often each label was answered and not refused; of `read` ``digits``, ``marks`` and
        ``empty``, pages on which nothing was found.
    refusals: how many digits were refused, by reason.
    confidences: how many digits had a confidence in each twentieth from 0 to 1, refused ones included.
    confusion: for each label that a source gave, what was answered, ``?`` where it was refused.
    strangers: how many sources gave a label that the model does not have.

    """

    task: Task
    labels: tuple[str, ...]
    pictures: int = 0
    errors: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    confidences: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    confusion: dict[str, Counter[str]] = field(default_factory=dict)
    strangers: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the object that ``score --json`` prints and ``_summary.json`` holds."""
        told = {
            "pictures": self.pictures,
            "errors": self.errors,
            "answers": dict(sorted(self.answers.items())),
            "refusals": dict(sorted(self.refusals.items())),
            "confidence_histogram": self.confidences.tolist(),
        }
        return told | ({"labelled": self._labelled()} if self.confusion or self.strangers else {})

    def _labelled(self) -> dict[str, Any]:
        count = sum(row.total() for row in self.confusion.values())
        right = sum(row[label] for label, row in self.confusion.items())
        return {
            "n": count,
            "top1": right / count if count else None,
            "ci95": list(wilson(right, count)) if count else None,
            "unknown_labels": self.strangers,
            "confusion": {label: dict(self.confusion[label]) for label in self.labels if label in self.confusion},
        }


def summarize(files: Sequence[Path], task: Task, labels: tuple[str, ...]) -> Summary:
    """Count the rows of a result's files."""
    from pyarrow import parquet

    found = Summary(task, labels)
    for file in files:
        table = parquet.read_table(file, columns=[*_COLUMNS[task], "error"])
        found.pictures += len(table)
        found.errors += len(table) - table["error"].null_count
        (_add_answers if task == "classify" else _add_pages)(found, table)
    return found


_COLUMNS: dict[Task, list[str]] = {"classify": ["label", "confidence", "rejected", "expected"], "read": ["boxes"]}
REFUSED = "?"


def _add_answers(found: Summary, table: Any) -> None:
    read = table.filter(table["error"].is_null())
    found.refusals.update(_counted(read["rejected"]))
    found.answers.update(_counted(read.filter(read["rejected"].is_null())["label"]))
    found.confidences += _histogram(read["confidence"])
    known: dict[str, int | None] = {}
    pairs = (
        read.filter(read["expected"].is_valid())
        .group_by(["expected", "label", "rejected"])
        .aggregate([([], "count_all")])
    )
    for row in pairs.to_pylist():
        name = row["expected"]
        if name not in known:
            known[name] = _index(name, found.labels)
        index, count = known[name], row["count_all"]
        if index is None:
            found.strangers += count
        else:
            answered = REFUSED if row["rejected"] else row["label"]
            found.confusion.setdefault(found.labels[index], Counter())[answered] += count


def _index(name: str, labels: tuple[str, ...]) -> int | None:
    """Return the index of a label by its name, or else by its number."""
    found = find_label(name, labels)
    return int(name) if found is None and name.isdecimal() and int(name) < len(labels) else found


def _add_pages(found: Summary, table: Any) -> None:
    from pyarrow import compute

    pages = table.filter(table["error"].is_null())["boxes"]
    found.answers["empty"] += compute.sum(compute.equal(compute.list_value_length(pages), 0)).as_py() or 0
    boxes = compute.list_flatten(pages)
    if not len(boxes):
        return
    confidence = compute.struct_field(boxes, "confidence")
    found.answers["marks"] += confidence.null_count
    found.answers["digits"] += len(confidence) - confidence.null_count
    found.refusals.update(_counted(compute.struct_field(boxes, "rejected")))
    found.confidences += _histogram(confidence)


def _counted(column: Any) -> dict[str, int]:
    return {one["values"]: one["counts"] for one in column.drop_null().value_counts().to_pylist()}


def _histogram(column: Any) -> np.ndarray[Any, Any]:
    return np.histogram(column.drop_null().to_numpy(), _BINS, (0, 1))[0]
