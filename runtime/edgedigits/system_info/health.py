"""Read what can slow a machine down: memory, frequency governor, temperature and throttling."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from edgedigits.system_info.text import ReadFile, find_field, leading_integer

# Source: https://www.raspberrypi.com/documentation/computers/os.html, "get_throttled". The bits from 16 on say what has
# happened since the boot.
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
    """The present state of a machine; a value is None where the system does not report it.

    Attributes
    ----------
    governor: the frequency governor of the first processor.
    temperature_c: the temperature of the first thermal zone, in degrees Celsius.
    throttling: the conditions in `THROTTLING` that the firmware of a Raspberry Pi reports; empty when it reports none.
    memory_mb, memory_free_mb, swap_mb: total memory, memory available to programs, and total swap, in mebibytes.

    """

    governor: str | None
    temperature_c: float | None
    throttling: tuple[str, ...] | None
    memory_mb: int | None
    memory_free_mb: int | None
    swap_mb: int | None


def read_health(read: ReadFile, vcgencmd: Callable[[], str | None]) -> Health:
    """Read the health from /sys and /proc; ``vcgencmd`` is called only where the kernel has no file for throttling."""
    throttled = read("/sys/devices/platform/soc/soc:firmware/get_throttled")
    temperature = leading_integer(read("/sys/class/thermal/thermal_zone0/temp"))
    memory = read("/proc/meminfo")
    return Health(
        governor=(read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "").strip() or None,
        temperature_c=None if temperature is None else temperature / 1000,
        throttling=_throttling(vcgencmd() if throttled is None else throttled),
        memory_mb=_mebibytes(find_field(memory, "MemTotal")),
        memory_free_mb=_mebibytes(find_field(memory, "MemAvailable")),
        swap_mb=_mebibytes(find_field(memory, "SwapTotal")),
    )


def _throttling(text: str | None) -> tuple[str, ...] | None:
    """Return the names of the set bits of ``throttled=0x50005`` (vcgencmd) or ``50005`` (the kernel's file)."""
    match = re.fullmatch(r"\s*(?:throttled=)?(?:0x)?([0-9a-fA-F]{1,8})\s*", text or "")
    if match is None:
        return None
    bits = int(match[1], 16)
    return tuple(name for bit, name in THROTTLING.items() if bits >> bit & 1)


def _mebibytes(kilobytes: str | None) -> int | None:
    value = leading_integer(kilobytes)
    return None if value is None else value // 1024
