"""Read the operating system: its name, whether kernel and programs are 32-bit or 64-bit, and its C library."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import find_field

# To a 32-bit program, some aarch64 kernels report "armv8l".
_KERNELS_64 = {"aarch64", "arm64", "armv8l", "x86_64", "amd64", "riscv64", "ppc64le", "s390x"}
_KERNELS_32 = {"armv6l", "armv7l", "i386", "i486", "i586", "i686"}
_PROGRAMS_32 = {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686", "i386": "i686", "i586": "i686"}


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """The operating system, its architecture and its C library.

    Attributes
    ----------
    platform: ``sys.platform``: linux, darwin or win32.
    name, codename: such as ``Debian GNU/Linux 12 (bookworm)`` and ``bookworm``.
    kernel: the release of the kernel.
    machine: the architecture of the kernel; pip takes the programs to have the same one.
    bits, kernel_bits: the word size of the programs and of the kernel; None where unknown.
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
        """The platform and architecture that a wheel must have been built for, such as ``linux-armv7l``."""
        machine = _PROGRAMS_32.get(self.machine, self.machine) if self.bits == 32 else self.machine
        return f"{self.platform}-{machine}"

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The version of glibc; None where the C library is another one or unknown."""
        match = re.match(r"glibc ([0-9]{1,3})\.([0-9]{1,3})", self.libc or "")
        return (int(match[1]), int(match[2])) if match else None


def read_system(source: SystemSource) -> OperatingSystem:
    """Read the operating system from ``/etc/os-release`` and from what Python reports about the kernel."""
    release, running = source.read("/etc/os-release"), source.running
    kernel = running.machine.lower()
    return OperatingSystem(
        platform=running.platform,
        name=_unquoted(find_field(release, "PRETTY_NAME", "=")),
        codename=_unquoted(find_field(release, "VERSION_CODENAME", "=")),
        kernel=running.release,
        machine=running.machine,
        bits=running.bits,
        kernel_bits=64 if kernel in _KERNELS_64 else 32 if kernel in _KERNELS_32 else None,
        libc=running.libc,
    )


def _unquoted(value: str | None) -> str | None:
    return value.strip("\"'") or None if value else None
