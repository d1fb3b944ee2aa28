"""What is known of engine releases, systems and boards: `targets.toml`, read strictly and checked."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError
from edgedigits.records import Check, from_plain

TARGETS = Path(__file__).with_name("targets.toml")
_POINT = re.compile(r"always|never|(litert )?\d+(\.\d+){1,2}")

Release = Annotated[str, Check(pattern=r"\d+(\.\d+){1,2}")]
Kernels = dict[str, dict[str, tuple[str, ...]]]


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
    """The content of `targets.toml`.

    Attributes
    ----------
    operators: the releases that introduced version 1, 2, 3, ... of each TFLite operator.
    kernels: for each TFLite operator, the types whose kernels each release introduced.
    wrong_from: for each TFLite operator, the release from which types without a kernel are computed wrongly instead of
        being refused.
    opsets, ir_versions: the release of onnxruntime that introduced each.
    onnx_kernels: the same as ``kernels`` for onnxruntime.

    """

    engines: dict[str, ReleaseRange]
    systems: dict[str, SystemRelease]
    boards: dict[str, BoardFacts]
    operators: dict[str, tuple[str, ...]]
    kernels: Kernels
    wrong_from: dict[str, dict[str, str]]
    opsets: dict[str, Release]
    ir_versions: dict[str, Release]
    onnx_kernels: Kernels


def read_targets(path: Path) -> Targets:
    """Read and check a file like `targets.toml`.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or malformed.

    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: expected a readable TOML file, found none ({error})") from error
    targets = from_plain(Targets, values, str(path))
    points = [
        *((f"operators: {name}", point) for name, row in targets.operators.items() for point in row),
        *((f"kernels: {name}", point) for name, row in targets.kernels.items() for point in row),
        *((f"wrong_from: {name}", point) for name, row in targets.wrong_from.items() for point in row.values()),
        *((f"onnx_kernels: {name}", point) for name, row in targets.onnx_kernels.items() for point in row),
    ]
    for table, point in points:
        if not _POINT.fullmatch(point):
            raise BundleError(f"{path}: {table}: expected always, never, 2.14.0 or litert 1.0.0, found {point!r}")
    if missing := set(ENGINES) - set(targets.engines):
        raise BundleError(f"{path}: engines: expected {min(missing)}, found none")
    return targets


@cache
def known_targets() -> Targets:
    """Return the tables that ship in the package."""
    return read_targets(TARGETS)
