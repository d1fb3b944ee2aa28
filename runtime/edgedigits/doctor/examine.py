"""Examine a machine: what it is, how it fares, and which engines work on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgedigits.engines import ENGINES
from edgedigits.system_info.board import read_board
from edgedigits.system_info.health import Health, read_health
from edgedigits.system_info.operating_system import OperatingSystem, read_system
from edgedigits.system_info.processor import Processor, read_processor
from edgedigits.system_info.python import Python, read_python
from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import number

# Tries a part by its name; None if it works, else what happened (`edgedigits.doctor.probe`).
Probe = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Part:
    """A package that answers need.

    Attributes
    ----------
    version: as its metadata tell; None when it is not installed, or has no metadata.
    works: whether it did its work in a process of its own; None when it is not installed.
    error: why it did not.

    """

    name: str
    installed: bool
    version: str | None
    works: bool | None
    error: str | None

    @property
    def major(self) -> int | None:
        """The 2 of 2.1.0."""
        return number(self.version)


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was found.

    Attributes
    ----------
    apt_picamera2: Python sees the distribution's picamera2, which was built for the distribution's numpy.

    """

    board: str | None
    processor: Processor
    system: OperatingSystem
    python: Python
    health: Health
    numpy: Part
    pillow: Part
    apt_picamera2: bool
    engines: tuple[Part, ...]


def examine(place: SystemSource, probe: Probe) -> Examination:
    """Read what the place tells, and try the engines that are installed."""
    engines = tuple(_part(place, name, kind.package, kind.distribution, probe) for name, kind in ENGINES.items())
    # An engine that works has numpy and Pillow imported already; else it may be their fault.
    beside = (lambda _: None) if any(engine.works for engine in engines) else probe
    camera = place.package("picamera2", "picamera2")
    return Examination(
        board=read_board(place.read),
        processor=read_processor(place),
        system=read_system(place),
        python=read_python(place.read, place.running),
        health=read_health(place.read, place.vcgencmd),
        numpy=_part(place, "numpy", "numpy", "numpy", beside),
        pillow=_part(place, "pillow", "PIL", "pillow", beside),
        apt_picamera2=camera is not None and "dist-packages" in (camera.origin or ""),
        engines=engines,
    )


def _part(place: SystemSource, name: str, package: str, distribution: str, probe: Probe) -> Part:
    found = place.package(package, distribution)
    if found is None:
        return Part(name, installed=False, version=None, works=None, error=None)
    error = probe(name)
    return Part(name, installed=True, version=found.version, works=error is None, error=error)
