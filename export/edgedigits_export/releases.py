"""Which engine release brought what: the tables behind "needs" and "runs"."""

from __future__ import annotations

from collections.abc import Collection, Mapping

# First TensorFlow Lite release with version 1, 2, 3, … of each operator of image classifiers; from
# google-ai-edge/LiteRT, tflite/tools/versioning/runtime_version.cc, read 2026-11 at commit 05215c29.
FIRST_RUNTIME: dict[str, tuple[str, ...]] = {
    "ADD": ("1.5.0", "1.14.0", "2.4.0", "2.6.0", "2.13.0"),
    "AVERAGE_POOL_2D": ("1.5.0", "1.14.0", "2.3.0"),
    "CAST": ("1.5.0", "2.7.0", "2.8.0", "2.9.0", "2.12.0", "2.15.0", "2.17.0"),
    "CONCATENATION": ("1.5.0", "1.14.0", "2.3.0", "2.14.0"),
    "CONV_2D": ("1.5.0", "1.14.0", "1.14.0", "2.3.0", "2.4.0", "2.9.0", "2.11.0", "2.15.0"),
    "DEPTHWISE_CONV_2D": ("1.5.0", "1.12.0", "1.14.0", "2.2.0", "2.3.0", "2.3.0", "2.11.0"),
    "DEQUANTIZE": ("1.13.1", "1.14.0", "1.15.0", "2.2.0", "2.7.0", "2.18.0"),
    "DIV": ("1.6.0", "2.3.0"),
    "EXP": ("1.7.0", "2.12.0"),
    "FULLY_CONNECTED": (
        *("1.5.0", "1.10.0", "1.14.0", "1.14.0", "2.0.0", "2.1.0", "2.3.0", "2.3.0", "2.3.0", "2.11.0"),
        *("2.15.0", "2.17.0", "2.18.0"),
    ),
    "HARD_SWISH": ("1.15.0",),
    "LEAKY_RELU": ("1.13.1", "2.3.0"),
    "LOGISTIC": ("1.14.0", "1.14.0", "2.3.0"),
    "MAXIMUM": ("1.14.0", "1.14.0", "2.3.0", "2.3.0"),
    "MAX_POOL_2D": ("1.5.0", "1.14.0", "2.3.0"),
    "MEAN": ("1.6.0", "1.14.0", "2.4.0"),
    "MINIMUM": ("1.14.0", "1.14.0", "2.3.0", "2.3.0"),
    "MUL": ("1.5.0", "1.14.0", "1.15.0", "2.3.0", "2.6.0", "2.11.0", "2.13.0"),
    "PAD": ("1.5.0", "1.14.0", "2.4.0", "2.6.0"),
    "PADV2": ("1.9.0", "1.14.0", "2.4.0", "2.6.0"),
    "PRELU": ("1.8.0",),
    "QUANTIZE": ("1.14.0", "1.15.0", "2.7.0"),
    "REDUCE_MAX": ("1.11.0", "1.14.0", "2.5.0"),
    "RELU": ("1.5.0", "2.1.0", "2.5.0"),
    "RELU6": ("1.5.0", "1.14.0", "2.5.0"),
    "RESHAPE": ("1.5.0",),
    "RSQRT": ("1.10.0", "2.5.0", "2.15.0"),
    "SOFTMAX": ("1.5.0", "1.14.0", "2.3.0"),
    "SQUARED_DIFFERENCE": ("1.13.1", "2.5.0"),
    "SQUEEZE": ("1.6.0", "2.5.0"),
    "SUB": ("1.6.0", "1.14.0", "2.3.0", "2.4.0", "2.4.0"),
    "SUM": ("1.10.0", "1.15.0"),
    "TANH": ("1.14.0", "1.14.0", "2.3.0"),
    "TRANSPOSE": ("1.6.0", "1.14.0", "1.15.0", "2.3.0", "2.4.0", "2.12.0", "2.14.4"),
}

# onnxruntime release that brought each opset and each IR version, from the table in onnxruntime's
# docs/reference/compatibility.md (gh-pages, commit 109c0baa, up to release 1.20). Every release since 0.1 runs the
# opsets from 7 on.
_OPSET_SINCE = {
    7: "0.1", 8: "0.1", 9: "0.3", 10: "0.4", 11: "1.0", 12: "1.3", 13: "1.6", 14: "1.8", 15: "1.9",
    16: "1.11", 17: "1.12", 18: "1.14", 19: "1.15", 20: "1.17", 21: "1.18",
}  # fmt: skip
_IR_SINCE = {3: "0.1", 4: "0.4", 5: "0.4", 6: "1.0", 7: "1.3", 8: "1.9", 9: "1.16", 10: "1.18"}


def runtime_of(operator: str, version: int) -> str | None:
    """The first TensorFlow Lite release with a version of an operator, None where the table does not say."""
    known = FIRST_RUNTIME.get(operator, ())
    return known[version - 1] if 0 < version <= len(known) else None


def release(version: str) -> tuple[int, ...]:
    """``2.14.0`` as numbers, which compare as releases do."""
    return tuple(map(int, version.split(".")))


def tflite_releases(
    operators: Mapping[str, int], declared: Mapping[str, int], underived: Collection[str]
) -> dict[str, str]:
    """The first release of TensorFlow Lite, and so of tflite-runtime, that has all of it; empty where not known.

    LiteRT counts its releases anew; its first came after the last of tflite-runtime.
    """
    # An engine refuses a declared version that it does not know, even where a smaller one would do.
    needed = [runtime_of(name, max(version, declared[name])) for name, version in operators.items()]
    known = [found for found in needed if found is not None]
    return {} if underived or not known or len(known) < len(needed) else {"tflite": max(known, key=release)}


def onnxruntime_releases(opset: int, ir_version: int) -> dict[str, str]:
    """The first release of onnxruntime that knows a standard opset and an IR version; empty where not known."""
    since = [_OPSET_SINCE.get(opset), _IR_SINCE.get(ir_version)]
    known = [found for found in since if found is not None]
    return {"onnxruntime": max(known, key=release)} if len(known) == len(since) else {}
