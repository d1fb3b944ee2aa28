"""Describe the machine of a measurement; a fact that its system does not report is None."""

from __future__ import annotations

import os
from dataclasses import dataclass

from edgedigits.system_info.board import read_board
from edgedigits.system_info.health import read_health
from edgedigits.system_info.operating_system import read_system
from edgedigits.system_info.processor import read_processor
from edgedigits.system_info.source import SystemSource, this_machine
from edgedigits.system_info.text import find_field, leading_integer

# The environment variable that is set on an emulated board, since a program cannot notice a good emulator.
EMULATED = "EDGEDIGITS_EMULATED"


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts about a machine that decide latencies.

    Attributes
    ----------
    board, cpu: the names of the board and of the processor.
    features: for each instruction set by which engines choose their kernels, whether the processor has it.
    cores: the number of cores that this process may use.
    architecture, bits: the architecture of the kernel, and the word size of the programs.
    clock_mhz: the highest frequency that is allowed.
    memory_mb: total memory, in mebibytes.
    virtual: whether a hypervisor shares the processor between machines.
    emulated: whether another processor emulates this one, so that measured times are meaningless.

    """

    board: str | None
    cpu: str | None
    features: dict[str, bool] | None
    cores: int
    architecture: str
    bits: int
    clock_mhz: float | None
    memory_mb: int | None
    governor: str | None
    system: str | None
    kernel: str
    libc: str | None
    python: str
    virtual: bool | None
    emulated: bool


def describe_machine(source: SystemSource | None = None) -> Machine:
    """Describe this machine, or a recorded one."""
    source = source or this_machine()
    processor, system = read_processor(source), read_system(source)
    health = read_health(source.read, lambda: None)
    clock = leading_integer(source.read("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"))
    flags = find_field(source.read("/proc/cpuinfo"), "flags")
    board = read_board(source.read)
    return Machine(
        board=board,
        cpu=processor.name or board,
        features=processor.features,
        cores=processor.cores,
        architecture=system.machine,
        bits=system.bits,
        clock_mhz=None if clock is None else clock / 1000,
        memory_mb=health.memory_mb,
        governor=health.governor,
        system=system.name,
        kernel=system.kernel,
        libc=system.libc,
        python=source.running.version,
        virtual=None if flags is None else "hypervisor" in flags.split(),
        emulated=bool(os.environ.get(EMULATED)),
    )
