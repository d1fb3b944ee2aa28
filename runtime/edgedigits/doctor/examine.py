"""Examine a machine: its hardware, its system, its present state, and which engines work on it."""

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
from edgedigits.system_info.text import leading_integer

# Tries a component by its name; returns None if it works, else the error (`edgedigits.doctor.probe`).
Probe = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Component:
    """A package that inference needs: numpy, Pillow or an engine.

    Attributes
    ----------
    version: the version in its metadata; None when it is not installed or has no metadata.
    works: whether it worked in a process of its own; None when it is not installed.
    error: why it did not work; None when it did or is not installed.

    """

    name: str
    installed: bool
    version: str | None
    works: bool | None
    error: str | None

    @property
    def major(self) -> int | None:
        """The major version: 2 for 2.1.0."""
        return leading_integer(self.version)


@dataclass(frozen=True, slots=True)
class Examination:
    """All facts that were found about a machine.

    Attributes
    ----------
    apt_picamera2: whether Python sees the distribution's picamera2, which was built for the distribution's numpy.

    """

    board: str | None
    processor: Processor
    system: OperatingSystem
    python: Python
    health: Health
    numpy: Component
    pillow: Component
    apt_picamera2: bool
    engines: tuple[Component, ...]


def examine(source: SystemSource, probe: Probe) -> Examination:
    """Read the facts about a machine, and try the engines that are installed."""
    engines = tuple(_component(source, name, kind.package, kind.distribution, probe) for name, kind in ENGINES.items())
    # An engine that works has imported numpy and Pillow already. If none works, they may be the cause.
    base_probe = (lambda _: None) if any(engine.works for engine in engines) else probe
    camera = source.package("picamera2", "picamera2")
    return Examination(
        board=read_board(source.read),
        processor=read_processor(source),
        system=read_system(source),
        python=read_python(source.read, source.running),
        health=read_health(source.read, source.vcgencmd),
        numpy=_component(source, "numpy", "numpy", "numpy", base_probe),
        pillow=_component(source, "pillow", "PIL", "pillow", base_probe),
        apt_picamera2=camera is not None and "dist-packages" in (camera.origin or ""),
        engines=engines,
    )


def _component(source: SystemSource, name: str, package: str, distribution: str, probe: Probe) -> Component:
    installed = source.package(package, distribution)
    if installed is None:
        return Component(name, installed=False, version=None, works=None, error=None)
    error = probe(name)
    return Component(name, installed=True, version=installed.version, works=error is None, error=error)
