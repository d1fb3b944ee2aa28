"""What slows a machine down: memory, governor, temperature, throttling."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from edgedigits.system_info.text import Read, field, number

# https://www.raspberrypi.com/documentation/computers/os.html, "get_throttled"; 16 bits further up: since the boot.
THROTTLING = {
    0: "under-voltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "soft temperature limit since boot",
}


@dataclass(frozen=True, slots=True)
class Health:
    """How the machine fares just now.

    Attributes
    ----------
    temperature_c: degrees Celsius of the first thermal zone.
    throttling: what a Raspberry Pi's firmware complains of, empty when of nothing; None where it does not tell.
    memory_mb, memory_free_mb, swap_mb: mebibytes in all, free for programs, and of swap in all.

    """

    governor: str | None
    temperature_c: float | None
    throttling: tuple[str, ...] | None
    memory_mb: int | None
    memory_free_mb: int | None
    swap_mb: int | None


def read_health(read: Read, vcgencmd: Callable[[], str | None]) -> Health:
    """Read /sys and /proc; ``vcgencmd`` is asked only where the kernel has no file of its answer."""
    throttled = read("/sys/devices/platform/soc/soc:firmware/get_throttled")
    temperature = number(read("/sys/class/thermal/thermal_zone0/temp"))
    memory = read("/proc/meminfo")
    return Health(
        governor=(read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "").strip() or None,
        temperature_c=None if temperature is None else temperature / 1000,
        throttling=_throttling(vcgencmd() if throttled is None else throttled),
        memory_mb=_mebibytes(field(memory, "MemTotal")),
        memory_free_mb=_mebibytes(field(memory, "MemAvailable")),
        swap_mb=_mebibytes(field(memory, "SwapTotal")),
    )


def _throttling(text: str | None) -> tuple[str, ...] | None:
    """The names of the bits of ``throttled=0x50005`` (vcgencmd) or ``50005`` (the kernel's file)."""
    match = re.fullmatch(r"\s*(?:throttled=)?(?:0x)?([0-9a-fA-F]{1,8})\s*", text or "")
    if match is None:
        return None
    bits = int(match[1], 16)
    return tuple(name for bit, name in THROTTLING.items() if bits >> bit & 1)


def _mebibytes(kilobytes: str | None) -> int | None:
    found = number(kilobytes)
    return None if found is None else found // 1024
