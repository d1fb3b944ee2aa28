"""The processor: its name, its cores, and the instructions that inference engines choose their kernels by."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.system_info.source import SystemSource
from edgedigits.system_info.text import field

# What /proc/cpuinfo calls "CPU part" on Raspberry Pis; Arm's processors have no other name there.
PARTS = {
    "0xb76": "ARM1176", "0xc07": "Cortex-A7", "0xd03": "Cortex-A53", "0xd08": "Cortex-A72", "0xd0b": "Cortex-A76",
}  # fmt: skip
# Our word, and the kernel's words for it: Documentation/arch/arm64/elf_hwcaps.rst and arch/x86's cpufeatures.h.
_ARM = {"NEON": {"neon", "asimd"}, "dot product": {"asimddp"}, "i8mm": {"i8mm"}}
_X86 = {"AVX2": {"avx2"}, "AVX-512": {"avx512f"}, "VNNI": {"avx512_vnni", "avx_vnni"}}


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor.

    Attributes
    ----------
    cores: that this process may use.
    features: by name, whether it has it; None where the system does not tell.

    """

    name: str | None
    cores: int
    features: dict[str, bool] | None


def read_processor(place: SystemSource) -> Processor:
    """Read ``/proc/cpuinfo``."""
    text = place.read("/proc/cpuinfo")
    name = PARTS.get(field(text, "CPU part") or "") or field(text, "model name")
    return Processor(name, place.running.cores, _features(text))


def _features(text: str | None) -> dict[str, bool] | None:
    for label, known in (("Features", _ARM), ("flags", _X86)):
        if told := field(text, label):
            words = set(told.split())
            return {name: bool(words & aliases) for name, aliases in known.items()}
    return None
