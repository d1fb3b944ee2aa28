"""The tables behind `edgedigits check`: TOML files beside the modules, read strictly and checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from edgedigits.errors import BundleError
from edgedigits.records import Check, from_plain

_POINT = r"always|never|(litert )?\d+(\.\d+){1,2}"
Release = Annotated[str, Check(pattern=r"\d+(\.\d+){1,2}")]
Point = Annotated[str, Check(pattern=_POINT)]
# The types whose kernels each release introduced.
Kernels = dict[str, tuple[str, ...]]

T = TypeVar("T")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    BundleError: it cannot be read, or is not TOML.

    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: expected a readable TOML file, found none ({error})") from error


def read_table(kind: type[T], path: Path) -> T:
    """Read a TOML file as a record.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or malformed.

    """
    return from_plain(kind, read_toml(path), str(path))


def check_points(path: Path, tables: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Check that the keys of tables are releases; each comes with its name.

    Raises
    ------
    BundleError: one is not.

    """
    for table, row in tables:
        for point in row:
            if not re.fullmatch(_POINT, point):
                raise BundleError(f"{path}: {table}: expected always, never, 2.14.0 or litert 1.0.0, found {point!r}")
