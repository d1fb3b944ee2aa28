"""Operators that are no part of a format, and who has them: `custom.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from edgedigits.manifest import Format
from edgedigits.records import from_plain
from edgedigits_export.compat.releases import ReleasePoint, parse_point
from edgedigits_export.compat.toml_table import Point, read_toml

CUSTOM = Path(__file__).with_name("custom.toml")
# How such an operator is named among the requirements of a file.
PREFIX = "custom:"


@dataclass(frozen=True, slots=True)
class CustomOperator:
    """Operators whose names have a pattern.

    Attributes
    ----------
    has: who has them.
    cure: what to do where an engine does not.
    runs_from: the release of the TFLite engines or of onnxruntime that has them after all.

    """

    name: str
    has: str
    cure: str
    runs_from: Point

    @property
    def introduced(self) -> ReleasePoint:
        """The release that has them after all."""
        return parse_point(self.runs_from)


def custom_operator(format_: Format, name: str) -> CustomOperator:
    """Return what is known of an operator; its name is without the prefix."""
    return next(one for one in _custom_operators()[format_] if fnmatchcase(name, one.name))


@cache
def _custom_operators() -> dict[str, tuple[CustomOperator, ...]]:
    return {
        name: tuple(from_plain(CustomOperator, {"runs_from": "never", **row}, str(CUSTOM)) for row in rows)
        for name, rows in read_toml(CUSTOM).items()
    }
