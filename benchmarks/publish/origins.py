"""Whether results were measured together, and the sentence that says so where they were not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.harness.benchmark import RESULTS, Result
from benchmarks.harness.markdown import machine_phrase

RESULT = RESULTS / "figures.json"
_ID = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """What results were measured on and with: phrases of machines, and ids of bundles."""

    machines: frozenset[str]
    bundles: frozenset[str]

    @classmethod
    def of(cls, *results: Result) -> Self:
        """Return the origin of results of any form: of every machine and every bundle's id that is in them."""
        return cls(frozenset(_machines(results)), frozenset(_bundles(results)))

    def within(self, other: Origin) -> bool:
        """Return whether all machines and bundles are the other's as well."""
        return self.machines <= other.machines and self.bundles <= other.bundles


def apart_phrase(figures: Result, results: Sequence[Result]) -> str:
    """Return what is to be said of a table that was not measured with ``figures``; nothing where it was."""
    known, found = Origin.of(figures), Origin.of(*results)
    if found.within(known):
        return ""
    others = ", ".join(f"`{one[:12]}`" for one in sorted(found.bundles - known.bundles))
    parts = [f"on {' and '.join(sorted(found.machines))}"] if found.machines else []
    parts += [f"with bundle {others}"] if others else []
    return f"*Measured apart from the figures of `make figures`, {', '.join(parts)}.*"


def _machines(value: Any) -> Iterator[str]:
    for key, inner in _members(value):
        if key == "machine" and isinstance(inner, dict) and "cpu" in inner:
            yield machine_phrase(inner)
        else:
            yield from _machines(inner)


def _bundles(value: Any) -> Iterator[str]:
    for key, inner in _members(value):
        if key == "bundle" and isinstance(inner, str) and len(inner) == _ID:  # another is a folder's name
            yield inner
        elif key in ("shipped", "exported", "members") and isinstance(inner, dict):
            yield from inner.values()
        else:
            yield from _bundles(inner)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from (("", inner) for inner in value)
