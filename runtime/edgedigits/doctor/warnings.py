"""Find what may fail on an examined machine even if an engine works on it."""

from __future__ import annotations

from edgedigits.doctor.blockers import ARM_32, find_blocker
from edgedigits.doctor.examine import Examination
from edgedigits.doctor.wheels import NEWEST

# An engine's process takes up to 75 MB (peaks in benchmarks/results/engines.json), a large photograph as much again.
_SCARCE_MB = 150


def find_warnings(examination: Examination) -> tuple[str, ...]:
    """Return one line for each warning: the fact, what follows from it, and what to do."""
    checks = (_numpy_and_tflite_runtime, _numpy_and_picamera2, _mixed_bits, _throttling, _memory)
    return tuple(line for check in checks if (line := check(examination)) is not None)


def _numpy_and_tflite_runtime(examination: Examination) -> str | None:
    installed = any(engine.installed for engine in examination.engines if engine.name == "tflite-runtime")
    if not installed or (examination.numpy.major or 0) < 2:
        return None
    pip = examination.python.pip
    return f"tflite-runtime cannot work with numpy {examination.numpy.version}: {pip} install 'numpy<2'"


def _numpy_and_picamera2(examination: Examination) -> str | None:
    numpy, codename = examination.numpy, examination.system.codename
    if not examination.apt_picamera2 or codename != "bookworm" or (numpy.major or 0) < 2:
        return None
    return (
        f"bookworm's picamera2 was built for numpy 1 and fails with numpy {numpy.version} (numpy.dtype size "
        f"changed): {examination.python.pip} install 'numpy<2'; camera:0 needs no picamera2"
    )


def _mixed_bits(examination: Examination) -> str | None:
    system = examination.system
    if (system.bits, system.kernel_bits) != (32, 64):
        return None
    mixed = "the kernel is 64-bit and the system 32-bit: pip treats the machine as 64-bit"
    if system.wheels == ARM_32 and find_blocker(system, examination.python, NEWEST["tflite-runtime"]) is None:
        return f"{mixed} and asks for LiteRT, which has no 32-bit build; install tflite-runtime by its name"
    return mixed


def _throttling(examination: Examination) -> str | None:
    throttling = examination.health.throttling
    if not throttling:
        return None
    return (
        f"the board is or was slowed down ({', '.join(throttling)}): give it a stronger power supply or more cooling, "
        "and do not trust latencies measured in this state"
    )


def _memory(examination: Examination) -> str | None:
    free = examination.health.memory_free_mb
    if free is None or free >= _SCARCE_MB:
        return None
    return f"only {free} MB of memory are free: stop other programs or add swap before you read large photographs"
