"""The wheels of the engines: for which releases, Pythons, platforms and C libraries there are any.

The doctor reads the newest of each engine, `edgedigits check` on a workstation all of them.

Linux was asked with ``pip index versions --only-binary=:all: --platform manylinux_2_N_MACHINE --python-version P``, the
platforms of the newest releases with ``pip download``, on 2026-11-23. The version of glibc is the larger of what the
wheel's tag says and the newest symbol version that its own libraries need: LiteRT's tags say 2.27 where its libraries
need 2.30 or 2.34, tflite-runtime's x86_64 tag says 2.17 where they need 2.29.

tflite-runtime and LiteRT 1.0 declare no limit on numpy, import with numpy 2 and die at Interpreter() with
"_ARRAY_API not found"; onnxruntime works with numpy 2 from 1.19 on (onnxruntime issue 21063).
"""

from __future__ import annotations

from dataclasses import dataclass

# The oldest Python of this package, 3.11: older ones are in the table for `edgedigits check` only.
OLDEST_PYTHON = 11


@dataclass(frozen=True, slots=True)
class Wheels:
    """Releases of an engine whose wheels have the same requirements.

    Attributes
    ----------
    releases, pythons: the releases and the versions of Python from oldest to newest.
    platforms: the oldest glibc that the wheels work with, by platform and machine; None outside Linux. Platforms other
        than Linux were looked up for the newest releases only.
    numpy: the limit on numpy's version that pip has to be told, ``<2``; empty where any numpy will do.

    """

    engine: str
    releases: tuple[str, ...]
    pythons: tuple[str, ...]
    platforms: dict[str, tuple[int, int] | None]
    numpy: str = ""

    @property
    def newest_python(self) -> int:
        """The minor version of the newest Python with a wheel: 14 for Python 3.14."""
        return int(self.pythons[-1].partition(".")[2])


# The wheels of an engine from oldest to newest.
WHEELS = (
    Wheels(
        "litert", ("1.0.0", "1.0.1"), ("3.9", "3.10", "3.11"), {"linux-x86_64": (2, 34)}, "<2",
    ),
    Wheels(
        "litert", ("1.1.0", "1.1.1", "1.1.2", "1.2.0", "1.3.0", "1.4.0", "2.0.2", "2.0.3"),
        ("3.9", "3.10", "3.11", "3.12"), {"linux-x86_64": (2, 27), "linux-aarch64": (2, 30)},
    ),
    Wheels(
        "litert", ("2.1.0",), ("3.9", "3.10", "3.11", "3.12", "3.13"),
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 30)},
    ),
    Wheels(
        "litert", ("2.1.1", "2.1.2", "2.1.3", "2.1.4"), ("3.10", "3.11", "3.12", "3.13"),
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 34)},
    ),
    Wheels(
        "litert", ("2.1.5", "2.1.6", "2.2.0", "2.3.0"), ("3.10", "3.11", "3.12", "3.13", "3.14"),
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 34), "darwin-arm64": None, "win32-AMD64": None},
    ),
    Wheels(
        "tflite-runtime", ("2.7.0", "2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0"), ("3.7", "3.8", "3.9"),
        {"linux-x86_64": (2, 17), "linux-aarch64": (2, 34), "linux-armv7l": (2, 34)}, "<2",
    ),
    Wheels(
        "tflite-runtime", ("2.13.0",), ("3.8", "3.9", "3.10"),
        {"linux-x86_64": (2, 17), "linux-aarch64": (2, 34), "linux-armv7l": (2, 34)}, "<2",
    ),
    Wheels(
        "tflite-runtime", ("2.14.0",), ("3.9", "3.10", "3.11"),
        {"linux-x86_64": (2, 29), "linux-aarch64": (2, 34), "linux-armv7l": (2, 34)}, "<2",
    ),
    Wheels(
        "onnxruntime", ("1.17.0", "1.17.1", "1.17.3", "1.18.0", "1.18.1"), ("3.9", "3.10", "3.11", "3.12"),
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 27)}, "<2",
    ),
    Wheels(
        "onnxruntime", ("1.19.0", "1.19.2"), ("3.9", "3.10", "3.11", "3.12"),
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 27)},
    ),
    Wheels(
        "onnxruntime",
        ("1.20.0", "1.20.1", "1.21.0", "1.21.1", "1.22.0", "1.22.1", "1.23.0", "1.23.1", "1.23.2"),
        ("3.10", "3.11", "3.12", "3.13"), {"linux-x86_64": (2, 27), "linux-aarch64": (2, 27)},
    ),
    Wheels(
        "onnxruntime",
        ("1.24.1", "1.24.2", "1.24.3", "1.24.4", "1.25.0", "1.25.1", "1.26.0", "1.27.0", "1.28.0"),
        ("3.11", "3.12", "3.13", "3.14"), {"linux-x86_64": (2, 27), "linux-aarch64": (2, 27)},
    ),
    Wheels(
        "onnxruntime", ("1.29.0", "1.30.0", "1.31.0", "1.31.1", "1.32.0"), ("3.11", "3.12", "3.13", "3.14"),
        {
            "linux-x86_64": (2, 28), "linux-aarch64": (2, 28), "darwin-arm64": None, "win32-AMD64": None,
            "win32-ARM64": None,
            "darwin-x86_64": None,  # an older release, 1.23.2, to Python 3.13
        },
    ),
)  # fmt: skip
# The newest wheels of each engine, which are what pip installs on a device.
NEWEST = {wheels.engine: wheels for wheels in WHEELS}
