"""The source of all facts about a machine: its files, its Python and its packages, of this or of a recorded machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from edgedigits.system_info.python import RunningPython, read_running_python
from edgedigits.system_info.text import ReadFile, read_text

_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package: the version in its metadata, and the file from which it would be imported."""

    version: str | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class SystemSource:
    """The functions that read facts about one machine.

    Attributes
    ----------
    read: returns the text of a file by its absolute path.
    running: the facts about the running Python.
    package: finds a package by its import name and its distribution's name, without importing it.
    vcgencmd: returns the output of ``vcgencmd get_throttled``; some Raspberry Pi kernels have no file for it.

    """

    read: ReadFile
    running: RunningPython
    package: Callable[[str, str], Package | None]
    vcgencmd: Callable[[], str | None]


def this_machine() -> SystemSource:
    """Return the source that reads this machine."""
    return SystemSource(read_text, read_running_python(), find_package, run_vcgencmd)


def find_package(name: str, distribution: str) -> Package | None:
    """Return the installed package without importing it, or None."""
    from importlib.metadata import PackageNotFoundError, version  # imported here because it takes 20 ms

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


def run_vcgencmd() -> str | None:
    """Return the output of ``vcgencmd get_throttled``, or None where the tool is missing or fails to run."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  the system's own tool
            [program, "get_throttled"], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout
