"""What keeps engines off a machine for good: no wheel for its architecture, C library or Python."""

from __future__ import annotations

from typing import Literal

from edgedigits.doctor.wheels import NEWEST, OLDEST_PYTHON, Wheels
from edgedigits.system_info.operating_system import OperatingSystem
from edgedigits.system_info.python import Python

Obstacle = Literal["platform", "libc", "python", "glibc"]
ARM_32 = "linux-armv7l"


def obstacle(system: OperatingSystem, python: Python, wheels: Wheels) -> Obstacle | None:
    """What keeps one engine's wheels off this machine, the least curable first; None if nothing does."""
    if system.wheels not in wheels.platforms:
        return "platform"
    if system.libc == "musl":
        return "libc"
    if not OLDEST_PYTHON <= python.minor <= wheels.newest_python:
        return "python"
    needed = wheels.platforms[system.wheels]
    # A version that the system does not tell is no reason to give up.
    return "glibc" if needed is not None and system.glibc is not None and system.glibc < needed else None


def why_none(system: OperatingSystem, python: Python) -> str:
    """The plain reason, when each engine has an obstacle."""
    met = {name: obstacle(system, python, wheels) for name, wheels in NEWEST.items()}
    if set(met.values()) == {"platform"}:
        return _no_architecture(system)
    if "libc" in met.values():
        return "the C library is musl, engines are built for glibc; install Debian or Raspberry Pi OS"
    if needs := [NEWEST[name].platforms[system.wheels] or (0, 0) for name, found in met.items() if found == "glibc"]:
        first, second = min(needs)
        return f"engines need glibc {first}.{second} or later, found {system.libc}; install a newer system"
    return _no_python(system, python)


def _no_architecture(system: OperatingSystem) -> str:
    if system.wheels.startswith("linux-armv6"):
        return "ARMv6 (the first Pi and Pi Zero) has no engine; a Zero 2 W, Pi 2 or any later board has"
    if system.wheels == "linux-i686":
        return "32-bit x86 has no engine; install a 64-bit system"
    return f"{system.wheels} has no engine; take a machine with a 64-bit x86 or ARM processor and Linux"


def _no_python(system: OperatingSystem, python: Python) -> str:
    newest = max(wheels.newest_python for wheels in NEWEST.values() if system.wheels in wheels.platforms)
    if system.wheels == ARM_32:
        return (
            f"32-bit ARM has an engine for Python 3.{newest} alone, found {python.version}; install the 64-bit "
            "Raspberry Pi OS (it runs on the Zero 2 W, Pi 3 and later), or the 32-bit one named bookworm"
        )
    return f"engines are built for Python 3.{OLDEST_PYTHON} to 3.{newest}, found {python.version}; install one of those"
