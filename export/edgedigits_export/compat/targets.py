"""What is known of engines, wheels, systems and boards: `targets.toml`, read strictly and checked."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from edgedigits.errors import BundleError
from edgedigits.records import Check, from_plain

TARGETS = Path(__file__).with_name("targets.toml")
_SINCE = re.compile(r"always|never|(litert )?\d+(\.\d+){1,2}")

Release = Annotated[str, Check(pattern=r"\d+(\.\d+){1,2}")]
EngineName = Literal["tflite-runtime", "litert", "onnxruntime"]
Kernels = dict[str, dict[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class EngineReleases:
    """An engine's package, and the first and the last of its releases that the tables speak of."""

    package: str
    first: Release
    last: Release


@dataclass(frozen=True, slots=True)
class Wheels:
    """Releases whose wheels are alike.

    Attributes
    ----------
    releases: from oldest to newest.
    glibc: smallest C library by machine, as ``uname -m`` names it; other machines have no wheel.
    numpy: what pip has to be told, for example ``<2``; empty where any numpy will do.

    """

    engine: EngineName
    releases: tuple[Release, ...]
    pythons: tuple[Release, ...]
    numpy: str
    glibc: dict[str, Release]


@dataclass(frozen=True, slots=True)
class SystemRelease:
    """A release of Raspberry Pi OS: its Python, its C library, and the numpy that apt's picamera2 was built with."""

    python: Release
    glibc: Release
    numpy: Release


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """A Raspberry Pi: ``machines`` maps an architecture of Debian to what ``uname -m`` says under it."""

    name: str
    cpu: str
    machines: dict[str, str]


@dataclass(frozen=True, slots=True)
class Targets:
    """All of it.

    Attributes
    ----------
    operators: of TFLite: when version 1, 2, 3, ... of each came.
    kernels: operator to when to types.
    wrong_from: operator to types that are not refused from this release on, but computed wrongly until the kernel came.
    opsets, ir_versions, onnx_kernels: the same for onnxruntime.

    """

    engines: dict[str, EngineReleases]
    wheels: tuple[Wheels, ...]
    systems: dict[str, SystemRelease]
    boards: dict[str, BoardFacts]
    operators: dict[str, tuple[str, ...]]
    kernels: Kernels
    wrong_from: dict[str, dict[str, str]]
    opsets: dict[str, Release]
    ir_versions: dict[str, Release]
    onnx_kernels: Kernels


def read_targets(path: Path) -> Targets:
    """Read and check a file of this form.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or not of its form.

    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: expected a readable TOML file, found none ({error})") from error
    targets = from_plain(Targets, values, str(path))
    whens = [
        *((f"operators: {name}", when) for name, row in targets.operators.items() for when in row),
        *((f"kernels: {name}", when) for name, row in targets.kernels.items() for when in row),
        *((f"wrong_from: {name}", when) for name, row in targets.wrong_from.items() for when in row.values()),
        *((f"onnx_kernels: {name}", when) for name, row in targets.onnx_kernels.items() for when in row),
    ]
    for where, when in whens:
        if not _SINCE.fullmatch(when):
            raise BundleError(f"{path}: {where}: expected always, never, 2.14.0 or litert 1.0.0, found {when!r}")
    if missing := {wheels.engine for wheels in targets.wheels} - set(targets.engines):
        raise BundleError(f"{path}: engines: expected {min(missing)}, which has wheels, found none")
    return targets


@cache
def known() -> Targets:
    """The file in the package."""
    return read_targets(TARGETS)


def package_of(engine: str) -> str:
    """What pip calls an engine; any other package goes by its own name."""
    engines = known().engines
    return engines[engine].package if engine in engines else engine
