"""What machine a measurement was made on; a field that the system does not tell is None."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """The parts of a machine's description that decide a latency."""

    board: str | None
    cpu: str | None
    cores: int
    architecture: str
    system: str
    python: str
    governor: str | None
    memory_mb: int | None


def describe_machine() -> Machine:
    """Ask the system."""
    cpuinfo = _text("/proc/cpuinfo") or ""
    return Machine(
        board=(_text("/proc/device-tree/model") or "").strip("\0 \n") or None,
        cpu=_field(cpuinfo, "model name") or _field(cpuinfo, "Model") or platform.processor() or None,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        architecture=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        governor=(_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "").strip() or None,
        memory_mb=_memory_mb(),
    )


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def _field(cpuinfo: str, name: str) -> str | None:
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _memory_mb() -> int | None:
    total = _field(_text("/proc/meminfo") or "", "MemTotal")
    return int(total.split()[0]) // 1024 if total else None
