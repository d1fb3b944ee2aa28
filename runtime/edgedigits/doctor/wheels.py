"""Which wheels the engines have: for which platforms, Pythons and C libraries.

Seen with ``pip download`` on 2026-11-23, for the releases ai-edge-litert 2.3.0, tflite-runtime 2.14.0 and onnxruntime
1.32.0 (1.23.2 for Intel Macs, to Python 3.13). The version of glibc is the larger of what the wheel's tag says and what
its libraries ask for: LiteRT's aarch64 wheel says 2.27 and asks for 2.34, tflite-runtime's x86_64 wheel says 2.17 and
asks for 2.29.
"""

from __future__ import annotations

from dataclasses import dataclass

OLDEST_PYTHON = 11


@dataclass(frozen=True, slots=True)
class Wheels:
    """The wheels of one engine.

    Attributes
    ----------
    distribution, package: the name that pip knows, and the one that is imported.
    newest_python: the last 3.x that has one; the first is this package's own, 3.11.
    glibc: by platform and architecture, the oldest that does; None outside Linux.
    numpy: what pip must be told of numpy beside it.

    """

    distribution: str
    package: str
    newest_python: int
    glibc: dict[str, tuple[int, int] | None]
    numpy: str = "numpy"


# The engines in the order of preference that `edgedigits.engines` has; that table needs numpy to be imported.
WHEELS = {
    "litert": Wheels(
        "ai-edge-litert", "ai_edge_litert", 14,
        {"linux-x86_64": (2, 27), "linux-aarch64": (2, 34), "darwin-arm64": None, "win32-AMD64": None},
    ),
    "tflite-runtime": Wheels(
        "tflite-runtime", "tflite_runtime", 11,
        {"linux-x86_64": (2, 29), "linux-aarch64": (2, 34), "linux-armv7l": (2, 34)},
        "numpy<2",  # its metadata have no such limit, but with numpy 2 it cannot build an interpreter
    ),
    "onnxruntime": Wheels(
        "onnxruntime", "onnxruntime", 14,
        {
            "linux-x86_64": (2, 28), "linux-aarch64": (2, 28),
            "darwin-arm64": None, "darwin-x86_64": None, "win32-AMD64": None, "win32-ARM64": None,
        },
    ),
}  # fmt: skip
