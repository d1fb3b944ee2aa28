"""Find what blocks an engine on a machine: it has no wheel for the architecture, the C library or the Python."""

from __future__ import annotations

from typing import Literal

from edgedigits.doctor.wheels import NEWEST, OLDEST_PYTHON, Wheels
from edgedigits.system_info.operating_system import OperatingSystem
from edgedigits.system_info.python import Python

Blocker = Literal["platform", "libc", "python", "glibc"]
ARM_32 = "linux-armv7l"


def find_blocker(system: OperatingSystem, python: Python, wheels: Wheels) -> Blocker | None:
    """Return what blocks the wheels of one engine, the hardest to change first; None if nothing blocks them."""
    if system.wheels not in wheels.platforms:
        return "platform"
    if system.libc == "musl":
        return "libc"
    if not OLDEST_PYTHON <= python.minor <= wheels.newest_python:
        return "python"
    needed = wheels.platforms[system.wheels]
    # An unknown version of glibc may be recent enough, so it blocks nothing.
    return "glibc" if needed is not None and system.glibc is not None and system.glibc < needed else None


def explain_no_engine(system: OperatingSystem, python: Python) -> str:
    """Return the reason why no engine can work, for a machine on which every engine has a blocker."""
    blockers = {name: find_blocker(system, python, wheels) for name, wheels in NEWEST.items()}
    if set(blockers.values()) == {"platform"}:
        return _explain_platform(system)
    if "libc" in blockers.values():
        return "the C library is musl, but engines are built for glibc; install Debian or Raspberry Pi OS"
    too_old = [NEWEST[name] for name, blocker in blockers.items() if blocker == "glibc"]
    if needed := [wheels.platforms[system.wheels] or (0, 0) for wheels in too_old]:
        major, minor = min(needed)
        return f"engines need glibc {major}.{minor} or later, found {system.libc}; install a newer system"
    return _explain_python(system, python)


def _explain_platform(system: OperatingSystem) -> str:
    if system.wheels.startswith("linux-armv6"):
        return "ARMv6 (the first Pi and Pi Zero) has no engine; use a Zero 2 W, a Pi 2 or any later board"
    if system.wheels == "linux-i686":
        return "32-bit x86 has no engine; install a 64-bit system"
    return f"{system.wheels} has no engine; use a machine with Linux and a 64-bit x86 or ARM processor"


def _explain_python(system: OperatingSystem, python: Python) -> str:
    newest = max(wheels.newest_python for wheels in NEWEST.values() if system.wheels in wheels.platforms)
    if system.wheels == ARM_32:
        return (
            f"32-bit ARM has an engine for Python 3.{newest} alone, found {python.version}; install the 64-bit "
            "Raspberry Pi OS (it runs on the Zero 2 W, Pi 3 and later), or the 32-bit release bookworm"
        )
    return f"engines are built for Python 3.{OLDEST_PYTHON} to 3.{newest}, found {python.version}; install one of these"
