"""What may go wrong on an examined machine though an engine works, or would."""

from __future__ import annotations

from edgedigits.doctor.blockers import ARM_32, obstacle
from edgedigits.doctor.examine import Examination
from edgedigits.doctor.wheels import WHEELS

# An engine's process takes up to 75 MB (peaks in benchmarks/results/engines.json), a large photograph as much again.
_SCARCE_MB = 150


def caveats(found: Examination) -> tuple[str, ...]:
    """One line each: what is, what follows, what to do."""
    told = (_numpy_of_tflite(found), _numpy_of_camera(found), _mixed_bits(found), _throttled(found), _memory(found))
    return tuple(line for line in told if line is not None)


def _numpy_of_tflite(found: Examination) -> str | None:
    installed = any(engine.installed for engine in found.engines if engine.name == "tflite-runtime")
    if not installed or (found.numpy.major or 0) < 2:
        return None
    return f"tflite-runtime cannot work with numpy {found.numpy.version}: {found.python.pip} install 'numpy<2'"


def _numpy_of_camera(found: Examination) -> str | None:
    if not found.apt_picamera2 or found.system.codename != "bookworm" or (found.numpy.major or 0) < 2:
        return None
    return (
        f"bookworm's picamera2 was built for numpy 1 and fails beside numpy {found.numpy.version} (numpy.dtype size "
        f"changed): {found.python.pip} install 'numpy<2'; camera:0 needs no picamera2"
    )


def _mixed_bits(found: Examination) -> str | None:
    if (found.system.bits, found.system.kernel_bits) != (32, 64):
        return None
    told = "the kernel is 64-bit, the system 32-bit: pip takes the machine for 64-bit"
    if found.system.wheels == ARM_32 and obstacle(found.system, found.python, WHEELS["tflite-runtime"]) is None:
        return f"{told} and asks for LiteRT, which has no 32-bit build; install tflite-runtime by its name"
    return told


def _throttled(found: Examination) -> str | None:
    if not found.health.throttling:
        return None
    return (
        f"the board is or was slowed down ({', '.join(found.health.throttling)}): give it a stronger power supply or "
        "more cooling, and do not trust a latency measured meanwhile"
    )


def _memory(found: Examination) -> str | None:
    free = found.health.memory_free_mb
    if free is None or free >= _SCARCE_MB:
        return None
    return f"only {free} MB of memory are free: stop other programs, or add swap, before large photographs are read"
