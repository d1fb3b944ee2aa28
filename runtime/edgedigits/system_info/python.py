"""Read the running Python: its version, its virtual environment, and whether pip may install into it."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import struct
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from edgedigits.system_info.text import ReadFile, find_field, leading_integer


@dataclass(frozen=True, slots=True)
class RunningPython:
    """Facts that only the running Python knows and no file holds.

    Attributes
    ----------
    platform, machine, release: ``sys.platform``, and the architecture and release that the kernel reports.
    bits: the size of a pointer; a 32-bit Python on a 64-bit kernel has 32.
    libc: ``glibc 2.36``, ``musl``, or None.
    cores: the number of cores that this process may use.
    version, prefix, base_prefix: of this Python; the prefixes differ in a virtual environment.
    stdlib: the folder of the standard library, which may hold the file ``EXTERNALLY-MANAGED`` of PEP 668.
    pip: the shell command that calls this Python's pip.

    """

    platform: str
    machine: str
    release: str
    bits: int
    libc: str | None
    cores: int
    version: str
    prefix: str
    base_prefix: str
    stdlib: str
    pip: str


@dataclass(frozen=True, slots=True)
class Python:
    """The Python environment in which edgedigits runs.

    Attributes
    ----------
    venv: whether a virtual environment is active.
    system_site_packages: whether that virtual environment sees the packages of the distribution.
    externally_managed: whether pip refuses to install outside a virtual environment (PEP 668).
    pip: the shell command that calls this Python's pip.

    """

    version: str
    venv: bool
    system_site_packages: bool
    externally_managed: bool
    pip: str

    @property
    def minor(self) -> int:
        """The minor version: 11 for Python 3.11."""
        return leading_integer(self.version.partition(".")[2]) or 0


def read_running_python() -> RunningPython:
    """Return the facts about the Python that runs this code."""
    return RunningPython(
        platform=sys.platform,
        machine=platform.machine(),
        release=platform.release(),
        bits=8 * struct.calcsize("P"),
        libc=_libc(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        version=platform.python_version(),
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
        stdlib=sysconfig.get_path("stdlib"),
        pip=_pip(),
    )


def read_python(read: ReadFile, running: RunningPython) -> Python:
    """Read the environment from its prefixes and from the files ``pyvenv.cfg`` and ``EXTERNALLY-MANAGED``."""
    venv = running.prefix != running.base_prefix
    shared = find_field(read(f"{running.prefix}/pyvenv.cfg"), "include-system-site-packages", "=") or ""
    return Python(
        version=running.version,
        venv=venv,
        system_site_packages=venv and shared.lower() == "true",
        externally_managed=read(f"{running.stdlib}/EXTERNALLY-MANAGED") is not None,
        pip=running.pip,
    )


def _libc() -> str | None:
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        glibc = None
    return glibc or ("musl" if "musl" in str(sysconfig.get_config_var("SOABI")) else None)


def _pip() -> str:
    """Return ``pip`` where the shell finds this Python's own pip under that name, else ``PYTHON -m pip``."""
    on_path = shutil.which("pip")
    if on_path is not None and Path(on_path).parent == Path(sys.executable).parent:
        return "pip"
    return f"{shlex.quote(sys.executable or 'python3')} -m pip"
