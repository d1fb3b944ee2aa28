"""What kernels refuse or compute otherwise although operator, version and types exist: `limits.toml`.

A limit holds for one use of an operator where all of its conditions do. It is noted among a file's requirements as
``OPERATOR what``, beside operators with types, and looked up again when a release is judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from edgedigits.manifest import Format
from edgedigits.records import from_plain
from edgedigits_export.compat.releases import ReleasePoint, parse_point, release_point
from edgedigits_export.compat.toml_table import Point, read_toml

LIMITS = Path(__file__).with_name("limits.toml")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of kernels.

    Attributes
    ----------
    operators: the operators that have it; ``*`` is all.
    what: what it is, in words that follow ``with``.
    types: the kernel's types, as patterns; empty where all have it.
    fails_from, fails_before: it holds in releases from the one and before the other.
    wrongly: whether the kernel computes wrongly instead of refusing.
    axes_above, axes_below: more, or fewer, axes than this: of the input that has most.
    inputs_above, inputs_below: more, or fewer, inputs than this.
    broadcast: whether the inputs' shapes must differ.
    options: values of TFLite's options, or of attributes as in ``attributes``.
    operands: types of inputs by their index.
    output_scale: another scale of the output than this.
    when: a condition by its name, see `tflite_limits` and `onnx_limits`.

    """

    operators: tuple[str, ...]
    what: str
    types: tuple[str, ...] = ()
    fails_from: Point = "always"
    fails_before: Point = "never"
    wrongly: bool = False
    axes_above: int | None = None
    axes_below: int | None = None
    inputs_above: int | None = None
    inputs_below: int | None = None
    broadcast: bool = False
    options: dict[str, tuple[Any, ...]] | None = None
    attributes: dict[str, tuple[Any, ...]] | None = None
    operands: dict[str, tuple[str, ...]] | None = None
    output_scale: float | None = None
    when: str | None = None

    def is_of(self, operator: str, types: str) -> bool:
        """Return whether an operator's kernel for these types has the limit."""
        named = "*" in self.operators or operator in self.operators
        return named and (not self.types or any(fnmatchcase(types, pattern) for pattern in self.types))

    def fails_in(self, release: ReleasePoint) -> bool:
        """Return whether it holds in a release."""
        return parse_point(self.fails_from) <= release < parse_point(self.fails_before)

    @property
    def holds_everywhere(self) -> bool:
        """Whether it holds in all releases that are known."""
        return (self.fails_from, self.fails_before) == ("always", "never")

    @property
    def ends_at(self) -> ReleasePoint:
        """The release from which on it no longer holds."""
        return parse_point(self.fails_before)

    @property
    def is_lifted(self) -> bool:
        """Whether an old release is too old for it: not so where only newer ones have it."""
        return self.fails_from == "always"


def read_limits(path: Path) -> dict[Format, tuple[Limit, ...]]:
    """Read and check a file like `limits.toml`.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or malformed.

    """
    defaults = {field.name: field.default for field in fields(Limit) if field.default is not MISSING}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    tables = read_toml(path)
    names: tuple[Format, ...] = ("tflite", "onnx")
    return {
        name: tuple(
            from_plain(Limit, {**plain, **row}, f"{path}: {name}[{index}]")
            for index, row in enumerate(tables.get(name, ()))
        )
        for name in names
    }


@cache
def known_limits() -> dict[Format, tuple[Limit, ...]]:
    """Return the limits that ship in the package."""
    return read_limits(LIMITS)


def noted_limits(format_: Format, operator: str, noted: str) -> list[Limit]:
    """Return the limits that a requirement names; none where it names types."""
    what, _, types = noted.rpartition(" on ")
    return [limit for limit in known_limits()[format_] if limit.what == what and limit.is_of(operator, types)]


def note(limit: Limit, types: str) -> str:
    """Return how a limit stands among the requirements, after the operator's name."""
    return f"{limit.what} on {types}"


def without_limits(smallest: dict[str, str], limits: Iterable[Limit]) -> dict[str, str]:
    """Return the smallest releases, by engine, without those that a limit holds in."""
    points = {engine: release_point(engine, version) for engine, version in smallest.items()}
    held = {engine for engine, point in points.items() if any(limit.fails_in(point) for limit in limits)}
    return {engine: version for engine, version in smallest.items() if engine not in held}
