"""Labels: read from a file, and matched by name with the classes of labelled images."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgedigits.datasets.dataset import Dataset
from edgedigits.errors import DatasetError, UsageError

_SHOWN = 5


def read_label_file(path: Path) -> tuple[str, ...]:
    """Read a text file with one label a line, UTF-8 with or without a byte order mark; empty lines do not count.

    Raises
    ------
    UsageError: the file cannot be read, or names a label twice.

    """
    expected = f"{path}: expected a text file with one label a line"
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{expected}, found another encoding; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{expected} ({error.strerror})") from error
    labels = tuple(filter(None, map(str.strip, lines)))
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise UsageError(f"{path}: expected each label once, found {twice[0]!r} again; name every class differently")
    return labels


def match_labels(data: Dataset, labels: Sequence[str]) -> Dataset:
    """Return the images with ``labels`` as their classes, matched by name; a label may be without images.

    Raises
    ------
    DatasetError: a class has images and no label (see `match_names`).

    """
    if data.names == tuple(labels):
        return data
    shown = np.unique(data.labels).tolist()
    matched = np.zeros(len(data.names), np.int64)
    matched[shown] = match_names([data.names[index] for index in shown], labels, data.source)
    return replace(data, labels=matched[data.labels], names=tuple(labels))


def match_names(names: Sequence[str], labels: Sequence[str], source: str) -> list[int]:
    """Return the index of the label that each name stands for; ``source`` says in messages where the names are from.

    Names match when they are equal, or else when their letters and digits are: ``T-shirt/top`` cannot be the name of a
    folder, so that ``T-shirt_top`` stands for it. Where no name matches and all are numbers, they are the labels'.

    Raises
    ------
    DatasetError: a name is no label's, or two are the same one's; the message lists both sides.

    """
    found = [find_label(name, labels) for name in names]
    if set(found) == {None} and all(name.isdecimal() and int(name) < len(labels) for name in names):
        found = [int(name) for name in names]
    matched = [index for index in found if index is not None]
    if len(set(matched)) == len(names):
        return matched
    unmatched = [name for name, index in zip(names, found, strict=True) if found.count(index) > 1 or index is None]
    free = [label for index, label in enumerate(labels) if index not in matched]
    raise DatasetError(
        f"{source}: expected classes named like the labels, found {_some(unmatched)}; labels left over: {_some(free)}; "
        "rename one side, or name a file with the labels in the model's order: --labels"
    )


def find_label(name: str, labels: Sequence[str]) -> int | None:
    """Return the index of the label that a name stands for (see `match_names`); None where it is no label's."""
    if name in labels:
        return labels.index(name)
    alike = [index for index, label in enumerate(labels) if _plain(label) and _plain(label) == _plain(name)]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    """Return the letters and digits of a name, in small letters."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())


def _some(names: Sequence[str]) -> str:
    more = "" if len(names) <= _SHOWN else f" and {len(names) - _SHOWN} more"
    return ", ".join(repr(name) for name in names[:_SHOWN]) + more if names else "none"
