"""Read the processor: its name, its cores, and the instruction sets by which inference engines choose their kernels."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import find_field

# The "CPU part" in /proc/cpuinfo of Raspberry Pis; Arm's processors have no other name there.
PARTS = {
    "0xb76": "ARM1176", "0xc07": "Cortex-A7", "0xd03": "Cortex-A53", "0xd08": "Cortex-A72", "0xd0b": "Cortex-A76",
}  # fmt: skip
# The name of each instruction set, and the kernel's flags for it.
# Source: Linux, Documentation/arch/arm64/elf_hwcaps.rst and arch/x86/include/asm/cpufeatures.h.
_ARM = {"NEON": {"neon", "asimd"}, "dot product": {"asimddp"}, "i8mm": {"i8mm"}}
_X86 = {"AVX2": {"avx2"}, "AVX-512": {"avx512f"}, "VNNI": {"avx512_vnni", "avx_vnni"}}


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor and its instruction sets.

    Attributes
    ----------
    name: the name of the processor; None where the system does not report one.
    cores: the number of cores that this process may use.
    features: for each instruction set whether the processor has it; None where the system reports none.

    """

    name: str | None
    cores: int
    features: dict[str, bool] | None


def read_processor(source: SystemSource) -> Processor:
    """Read the processor from ``/proc/cpuinfo``."""
    text = source.read("/proc/cpuinfo")
    name = PARTS.get(find_field(text, "CPU part") or "") or find_field(text, "model name")
    return Processor(name, source.running.cores, _features(text))


def _features(text: str | None) -> dict[str, bool] | None:
    for label, known in (("Features", _ARM), ("flags", _X86)):
        if listed := find_field(text, label):
            flags = set(listed.split())
            return {name: bool(flags & aliases) for name, aliases in known.items()}
    return None
