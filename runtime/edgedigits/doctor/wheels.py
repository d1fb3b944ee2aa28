"""The wheels of each engine: for which platforms, Python versions and C libraries they exist.

Checked with ``pip download`` on 2026-11-23 for the releases ai-edge-litert 2.3.0, tflite-runtime 2.14.0 and onnxruntime
1.32.0 (1.23.2 for Intel Macs, up to Python 3.13). The version of glibc is the larger one of the wheel's tag and of what
its libraries require: the tag of LiteRT's aarch64 wheel says 2.27 and its libraries require 2.34; the tag of
tflite-runtime's x86_64 wheel says 2.17 and its libraries require 2.29.
"""

from __future__ import annotations

from dataclasses import dataclass

OLDEST_PYTHON = 11


@dataclass(frozen=True, slots=True)
class Wheels:
    """The wheels of one engine.

    Attributes
    ----------
    distribution, package: the name for pip, and the name for import.
    newest_python: the minor version of the newest Python with a wheel; the oldest one is `OLDEST_PYTHON`.
    glibc: the oldest sufficient version for each platform and architecture; None outside Linux.
    numpy: the requirement for numpy that the engine needs.

    """

    distribution: str
    package: str
    newest_python: int
    glibc: dict[str, tuple[int, int] | None]
    numpy: str = "numpy"


# In the order of preference of `edgedigits.engines`, whose own table cannot be imported without numpy.
WHEELS = {
    "litert": Wheels(
        "ai-edge-litert", "ai_edge_litert", 14,
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 34), "darwin-arm64": None, "win32-AMD64": None},
    ),
    "tflite-runtime": Wheels(
        "tflite-runtime", "tflite_runtime", 11,
        {"linux-x86_64": (2, 29), "linux-aarch64": (2, 34), "linux-armv7l": (2, 34)},
        "numpy<2",  # the metadata declare no such limit, but with numpy 2 it cannot build an interpreter
    ),
    "onnxruntime": Wheels(
        "onnxruntime", "onnxruntime", 14,
        {
            "linux-x86_64": (2, 28), "linux-aarch64": (2, 28),
            "darwin-arm64": None, "darwin-x86_64": None, "win32-AMD64": None, "win32-ARM64": None,
        },
    ),
}  # fmt: skip
