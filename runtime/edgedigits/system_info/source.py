"""Where facts about a machine come from: its files, its Python and its packages; a recorded machine has the same."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from edgedigits.system_info.python import Running, running_here
from edgedigits.system_info.text import Read, read_text

_PATIENCE_S = 5


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package: the version that its metadata tell, and the file it would be imported from."""

    version: str | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class SystemSource:
    """One machine, as far as its description goes.

    Attributes
    ----------
    package: finds a package by its import name and the name that pip knows it by; it imports nothing.
    vcgencmd: what ``vcgencmd get_throttled`` says, for Raspberry Pi kernels that have no file of it.

    """

    read: Read
    running: Running
    package: Callable[[str, str], Package | None]
    vcgencmd: Callable[[], str | None]


def here() -> SystemSource:
    """This machine."""
    return SystemSource(read_text, running_here(), find_package, ask_vcgencmd)


def find_package(name: str, distribution: str) -> Package | None:
    """Look a package up without importing it."""
    from importlib.metadata import PackageNotFoundError, version  # 20 ms

    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    try:
        return Package(version(distribution), spec.origin)
    except (PackageNotFoundError, KeyError, OSError, ValueError):
        return Package(None, spec.origin)


def ask_vcgencmd() -> str | None:
    """Ask the Raspberry Pi's firmware, where its tool is there and answers."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  the system's own tool
            [program, "get_throttled"], capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout
