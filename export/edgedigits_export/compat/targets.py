"""What is known of engine releases, systems and boards: `targets.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError
from edgedigits_export.compat.toml_table import Release, read_table

TARGETS = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True, slots=True)
class ReleaseRange:
    """The first and the last release of an engine that the tables cover."""

    first: Release
    last: Release


@dataclass(frozen=True, slots=True)
class SystemRelease:
    """The versions in a release of Raspberry Pi OS; ``numpy`` is the one that apt's picamera2 was built with."""

    python: Release
    glibc: Release
    numpy: Release


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """The facts of a Raspberry Pi; ``machines`` maps an architecture of Debian to what ``uname -m`` says there."""

    name: str
    cpu: str
    machines: dict[str, str]


@dataclass(frozen=True, slots=True)
class Targets:
    """The content of `targets.toml`."""

    engines: dict[str, ReleaseRange]
    systems: dict[str, SystemRelease]
    boards: dict[str, BoardFacts]


def read_targets(path: Path) -> Targets:
    """Read and check a file like `targets.toml`.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or malformed.

    """
    targets = read_table(Targets, path)
    if missing := set(ENGINES) - set(targets.engines):
        raise BundleError(f"{path}: engines: expected {min(missing)}, found none")
    return targets


@cache
def known_targets() -> Targets:
    """Return the tables that ship in the package."""
    return read_targets(TARGETS)
