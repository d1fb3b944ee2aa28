"""Which Raspberry Pis can be emulated, with which systems and engines, and the files by which a kernel describes them.

Emulation verifies that wheels install, that a processor has the instructions they use, and what they compute. It says
nothing about a board's speed, heat, memory or camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgedigits.engines import ENGINES
from edgedigits.errors import TargetError

NOTE = "emulated: this proves compatibility and numerics, never speed"
CORES = 4


@dataclass(frozen=True, slots=True)
class EmulatedBoard:
    """A Raspberry Pi as its kernel describes it.

    Attributes
    ----------
    processor: QEMU's name of its cores; ``part``, ``variant`` and ``revision`` are from their identification registers.
    extensions: the features of its 64-bit cores beyond the first ARMv8, as /proc/cpuinfo names them.
    megahertz: the lowest and the highest clock, which LiteRT and onnxruntime read.

    """

    model: str
    processor: str
    part: str
    variant: str
    revision: int
    extensions: str
    megahertz: tuple[int, int]


_A76 = "aes pmull sha1 sha2 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
BOARDS = {
    "zero2w": EmulatedBoard("Raspberry Pi Zero 2 W Rev 1.0", "cortex-a53", "0xd03", "0x0", 4, "", (600, 1000)),
    "pi3": EmulatedBoard("Raspberry Pi 3 Model B Plus Rev 1.3", "cortex-a53", "0xd03", "0x0", 4, "", (600, 1400)),
    "pi4": EmulatedBoard("Raspberry Pi 4 Model B Rev 1.4", "cortex-a72", "0xd08", "0x0", 3, "", (600, 1800)),
    "pi5": EmulatedBoard("Raspberry Pi 5 Model B Rev 1.0", "cortex-a76", "0xd0b", "0x4", 1, _A76, (1500, 2400)),
}


@dataclass(frozen=True, slots=True)
class EmulatedSystem:
    """One of the boards' operating systems: Raspberry Pi OS follows Debian, from whose packages it is made here.

    Attributes
    ----------
    python: the version of its Python, ``3.11``.
    glibc: ``(major, minor)`` of its C library, which decides which wheels fit.
    debian: packages from Debian beside Python and its libraries; 32-bit ARM has no wheels of numpy and Pillow.
    wheels: the pinned releases of the wheels that every engine needs, so that two runs can be compared.
    engines: the engines that have a wheel, with the releases that are installed unless another is named.

    """

    suite: str
    architecture: str
    python: str
    glibc: tuple[int, int]
    debian: tuple[str, ...]
    wheels: dict[str, str]
    engines: dict[str, str]

    @property
    def name(self) -> str:
        """The name that folders and results have: ``bookworm-arm64``."""
        return f"{self.suite}-{self.architecture}"


_LITERT, _TFLITE, _ONNX = {"litert": "2.3.0"}, {"tflite-runtime": "2.14.0"}, {"onnxruntime": "1.32.0"}
SYSTEMS = {
    system.name: system
    for system in (
        EmulatedSystem(
            "bookworm", "arm64", "3.11", (2, 36), (), {"numpy": "1.26.4", "pillow": "13.0.0"},
            _LITERT | _TFLITE | _ONNX,
        ),
        EmulatedSystem("bookworm", "armhf", "3.11", (2, 36), ("python3-numpy", "python3-pil"), {}, _TFLITE),
        EmulatedSystem("trixie", "arm64", "3.13", (2, 41), (), {"numpy": "2.4.6", "pillow": "13.0.0"}, _LITERT | _ONNX),
    )
}  # fmt: skip
# The packages that the extra `serve` brings, pure Python for all systems; the releases are those of constraints.txt.
SERVICE = {
    "starlette": "1.10.0", "uvicorn": "0.54.0", "python-multipart": "0.0.34", "prometheus-client": "0.26.0",
    "anyio": "4.16.0", "click": "8.5.1", "h11": "0.16.0", "idna": "3.20", "typing-extensions": "4.16.0",
}  # fmt: skip
SUITES = tuple(dict.fromkeys(system.suite for system in SYSTEMS.values()))
ARCHITECTURES = tuple(dict.fromkeys(system.architecture for system in SYSTEMS.values()))


def find_system(suite: str, architecture: str) -> EmulatedSystem:
    """Return the system of a suite and an architecture.

    Raises
    ------
    TargetError: no engine has a wheel for it.

    """
    system = SYSTEMS.get(f"{suite}-{architecture}")
    if system is None:
        raise TargetError(
            f"{suite} {architecture}: expected a system that some engine has wheels for, found none; "
            f"take {' or '.join(name.replace('-', ' ') for name in SYSTEMS)}"
        )
    return system


def engine_releases(
    system: EmulatedSystem, engine: str | None, version: str | None, format_: str | None
) -> dict[str, str]:
    """Return the engines to install, with their releases.

    That is ``engine``, in ``version`` or else in the pinned release; where ``engine`` is None, all engines that read
    ``format_``, where None stands for any format.

    Raises
    ------
    TargetError: the engine has no wheel for the system.

    """
    if engine is None:
        return {name: pinned for name, pinned in system.engines.items() if format_ in {None, ENGINES[name].format}}
    if engine not in system.engines:
        raise TargetError(
            f"{engine} on {system.suite} {system.architecture}: expected a wheel for Python {system.python}, found "
            f"none; take {' or '.join(system.engines)}, or another --os or --arch"
        )
    return {engine: version or system.engines[engine]}


def processor_of(board: EmulatedBoard, system: EmulatedSystem) -> str:
    """Return QEMU's name of the processor: ``max`` for 32-bit systems, as QEMU lacks the boards' own 32-bit mode."""
    return board.processor if system.architecture == "arm64" else "max"


def write_kernel_files(board: EmulatedBoard, system: EmulatedSystem, folder: Path) -> None:
    """Write the files by which the board's kernel describes its processor into ``folder``, the guest's root.

    LiteRT and onnxruntime read these files, and crash on those of another architecture.
    """
    processors = folder / "sys/devices/system/cpu"
    for core in range(CORES):
        for name, value in (("min", board.megahertz[0]), ("max", board.megahertz[1])):
            _write(processors / f"cpu{core}/cpufreq/cpuinfo_{name}_freq", f"{value * 1000}\n")
        for name in ("core_siblings_list", "cluster_cpus_list", "package_cpus_list"):
            _write(processors / f"cpu{core}/topology/{name}", f"0-{CORES - 1}\n")
        for name, number in (("core_id", core), ("physical_package_id", 0), ("thread_siblings_list", core)):
            _write(processors / f"cpu{core}/topology/{name}", f"{number}\n")
    for name in ("possible", "present", "online"):
        _write(processors / name, f"0-{CORES - 1}\n")
    _write(processors / "kernel_max", f"{CORES - 1}\n")
    _write(folder / "proc/cpuinfo", _cpuinfo(board, system))
    _write(folder / "proc/device-tree/model", f"{board.model}\0")


def _cpuinfo(board: EmulatedBoard, system: EmulatedSystem) -> str:
    """Return /proc/cpuinfo: the fields of Linux' arch/arm64/kernel/cpuinfo.c, and the line of Raspberry Pi's kernel."""
    if system.architecture == "armhf":
        features = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32"
    else:
        features = f"fp asimd evtstrm crc32 cpuid {board.extensions}".rstrip()
    fields = {
        "Features": features, "CPU implementer": "0x41", "CPU architecture": "8", "CPU variant": board.variant,
        "CPU part": board.part, "CPU revision": board.revision,
    }  # fmt: skip
    cores = [
        "".join(f"{name}\t: {value}\n" for name, value in {"processor": core, **fields}.items())
        for core in range(CORES)
    ]
    return "\n".join([*cores, f"Model\t\t: {board.model}\n"])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
