"""The operating system: its name, 32 or 64 bits of the kernel and of the programs, its C library."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import field

# A 32-bit program on a 64-bit kernel gets to hear "armv8l" where the kernel hides that it is aarch64.
_KERNELS_64 = {"aarch64", "arm64", "armv8l", "x86_64", "amd64", "riscv64", "ppc64le", "s390x"}
_KERNELS_32 = {"armv6l", "armv7l", "i386", "i486", "i586", "i686"}
_PROGRAMS_32 = {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686", "i386": "i686", "i586": "i686"}


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """The operating system.

    Attributes
    ----------
    platform: as Python says it: linux, darwin, win32.
    machine: the kernel's architecture, which pip takes for the programs', too.
    bits, kernel_bits: of the programs and of the kernel, None where unknown.
    libc: ``glibc 2.36``, ``musl``, or None.

    """

    platform: str
    name: str | None
    codename: str | None
    kernel: str
    machine: str
    bits: int
    kernel_bits: int | None
    libc: str | None

    @property
    def wheels(self) -> str:
        """Platform and architecture that a wheel must be made for, ``linux-armv7l``."""
        machine = _PROGRAMS_32.get(self.machine, self.machine) if self.bits == 32 else self.machine
        return f"{self.platform}-{machine}"

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The version of glibc, None where it is another library or unknown."""
        match = re.match(r"glibc ([0-9]{1,3})\.([0-9]{1,3})", self.libc or "")
        return (int(match[1]), int(match[2])) if match else None


def read_system(place: SystemSource) -> OperatingSystem:
    """Read ``/etc/os-release``, and what Python was told by the kernel."""
    release, running = place.read("/etc/os-release"), place.running
    named = running.machine.lower()
    return OperatingSystem(
        platform=running.platform,
        name=_unquoted(field(release, "PRETTY_NAME", "=")),
        codename=_unquoted(field(release, "VERSION_CODENAME", "=")),
        kernel=running.release,
        machine=running.machine,
        bits=running.bits,
        kernel_bits=64 if named in _KERNELS_64 else 32 if named in _KERNELS_32 else None,
        libc=running.libc,
    )


def _unquoted(value: str | None) -> str | None:
    return value.strip("\"'") or None if value else None
