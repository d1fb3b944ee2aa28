"""What machine a measurement was made on; a field that the system does not tell is None."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from edgedigits.facts.board import read_board
from edgedigits.facts.health import read_health
from edgedigits.facts.python import running_here
from edgedigits.facts.text import field
from edgedigits.facts.text import read_text as _text


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
    cpuinfo = _text("/proc/cpuinfo")
    health, running = read_health(_text, lambda: None), running_here()
    return Machine(
        board=read_board(_text),
        cpu=field(cpuinfo, "model name") or field(cpuinfo, "Model") or platform.processor() or None,
        cores=running.cores,
        architecture=running.machine,
        system=f"{platform.system()} {running.release}",
        python=running.version,
        governor=health.governor,
        memory_mb=health.memory_mb,
    )
