"""A case of the second and the third zoo: inputs of one file, and the outputs that it should give."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, str]


class Case(NamedTuple):
    """One run of a model file.

    Attributes
    ----------
    names: of the inputs, where an engine takes them by name.
    inputs: arrays, lists of arrays, or None.
    outputs: what is right, in the order of the file's outputs; None where that is not known.

    """

    names: list[str]
    inputs: list[Any]
    outputs: list[Any] | None


def write_case(path: Path, case: Case) -> None:
    """Write a case so that the oldest Python and numpy among the environments read it."""
    path.write_bytes(pickle.dumps(tuple(case), protocol=4))


def write_zoo(folder: Path, rows: Sequence[Row], made_by: Mapping[str, str]) -> None:
    """Write ``models.json``, without files that are equal to another byte for byte; it comes last."""
    once = {row["sha256"]: row for row in reversed(rows)}
    models = [row for row in rows if once[row["sha256"]] is row]
    (folder / "models.json").write_text(json.dumps({"seconds": 0, "versions": made_by, "models": models}, indent=1))
