"""The labels of a model's classes, in the model's order: from a file, from its training record, or from the data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgedigits.datasets import Dataset, read_label_file
from edgedigits.errors import UsageError


def choose_labels(
    file: Path | None, training: Mapping[str, Any] | None, data: Dataset, classes: int
) -> tuple[str, ...]:
    """Return one label for each of a model's ``classes``.

    Without a file they are those of the trainer's record, or else the names of the data's classes; names that are
    numbers below ``classes`` may leave some out.

    Raises
    ------
    UsageError: the file cannot be read, or there is not one label for each class.

    """
    recorded = tuple((training or {}).get("data", {}).get("labels", ()))
    if file is not None:
        labels, origin = read_label_file(file), str(file)
    elif recorded:
        labels, origin = recorded, "the training record"
    else:
        labels, origin = _names(data, classes), data.source
    if len(labels) != classes:
        raise UsageError(
            f"{origin}: expected {classes} labels, one for each class of the model, found {len(labels)}; "
            "name a file that lists them in the model's order with --labels"
        )
    return labels


def _names(data: Dataset, classes: int) -> tuple[str, ...]:
    numbers = [int(name) for name in data.names if name.isdecimal()]
    if len(numbers) == len(data.names) < classes and max(numbers) < classes:
        return tuple(str(number) for number in range(classes))
    return data.names
