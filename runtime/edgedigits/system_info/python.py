"""The running Python: its version, whether a virtual environment is active, whether pip may install into it."""

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

from edgedigits.system_info.text import Read, field, number


@dataclass(frozen=True, slots=True)
class Running:
    """What no file tells, only the running Python.

    Attributes
    ----------
    platform, machine, release: ``sys.platform``, and the kernel's own names for its architecture and release.
    bits: of a pointer; a 32-bit Python on a 64-bit kernel has 32.
    libc: ``glibc 2.36``, ``musl``, or None.
    stdlib: the folder that may hold the mark of PEP 668.
    pip: how this Python's pip is called from a shell.

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
    """The Python that runs, and what pip may do to it.

    Attributes
    ----------
    venv: a virtual environment is active; ``system_site_packages``: it sees the distribution's packages.
    externally_managed: pip refuses to install outside a virtual environment (PEP 668).
    pip: how this Python's pip is called from a shell.

    """

    version: str
    venv: bool
    system_site_packages: bool
    externally_managed: bool
    pip: str

    @property
    def minor(self) -> int:
        """The 11 of 3.11."""
        return number(self.version.partition(".")[2]) or 0


def running_here() -> Running:
    """Ask the interpreter."""
    return Running(
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


def read_python(read: Read, running: Running) -> Python:
    """Judge the environment by its marks: ``pyvenv.cfg`` and ``EXTERNALLY-MANAGED``."""
    venv = running.prefix != running.base_prefix
    shared = field(read(f"{running.prefix}/pyvenv.cfg"), "include-system-site-packages", "=") or ""
    return Python(
        version=running.version,
        venv=venv,
        system_site_packages=venv and shared.lower() == "true",
        externally_managed=read(f"{running.stdlib}/EXTERNALLY-MANAGED") is not None,
        pip=running.pip,
    )


def _libc() -> str | None:
    try:
        named = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        named = None
    return named or ("musl" if "musl" in str(sysconfig.get_config_var("SOABI")) else None)


def _pip() -> str:
    """``pip`` alone only if the shell would find this Python's own."""
    found = shutil.which("pip")
    if found is not None and Path(found).parent == Path(sys.executable).parent:
        return "pip"
    return f"{shlex.quote(sys.executable or 'python3')} -m pip"
