"""Will this file run on that engine release, and compute rightly? Answered from its content, without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgedigits.engines import ENGINES
from edgedigits.errors import UsageError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.releases import release, runtime_of

Answer = Literal["runs", "cannot run", "computes wrongly", "unknown"]

# The releases that the tables speak of, and the newest that was tried; outside of them the answer is "unknown".
KNOWN = {"tflite": ("2.7", "2.14.0"), "litert": ("2.1", "2.3.0"), "onnxruntime": ("1.6", "1.32.0")}
PACKAGES = {"tflite": "tflite-runtime", "litert": "ai-edge-litert", "onnxruntime": "onnxruntime"}
_EXPORT_AGAIN = "export the Keras model with edgedigits, which keeps to what tflite-runtime 2.14 knows"


@dataclass(frozen=True, slots=True)
class Target:
    """An engine's release."""

    engine: str
    version: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one file on one target: why, and what cures it (empty when it runs)."""

    answer: Answer
    why: str
    cure: str


def parse_target(text: str) -> Target:
    """Read ``tflite-runtime==2.14.0``; an engine's name here or its package's name.

    Raises
    ------
    UsageError: no such engine, or no release.

    """
    name, separator, version = text.partition("==")
    engine = next((engine for engine, package in PACKAGES.items() if name in {engine, package}), None)
    if engine is None or not separator or not version.replace(".", "").isdecimal():
        names = ", ".join(PACKAGES.values())
        raise UsageError(f"--target {text}: expected ENGINE==VERSION with {names}, for example tflite-runtime==2.14.0")
    return Target(engine, version)


def judge(requirements: Requirements, format_: Format, target: Target) -> Verdict:
    """Whether a file with these requirements runs on the target.

    Raises
    ------
    UsageError: the engine does not read the format.

    """
    if ENGINES[target.engine].format != format_:
        raise UsageError(f"{PACKAGES[target.engine]} reads .{ENGINES[target.engine].format} files, found .{format_}")
    low, high = KNOWN[target.engine]
    if not release(low) <= release(target.version)[:2] or release(target.version) > release(high):
        return Verdict(
            "unknown", f"known from {low} to {high} only", f"edgedigits selftest tells, there; or take {high}"
        )
    return _judge_onnx(requirements, target) if format_ == "onnx" else _judge_tflite(requirements, target)


def _judge_onnx(requirements: Requirements, target: Target) -> Verdict:
    needed = requirements.engines.get("onnxruntime")
    if needed is None:
        found = f"opset {requirements.opset}, IR {requirements.ir_version} or an operator's domain is not known"
        return Verdict("unknown", found, "export with --opset 13")
    why = f"opset {requirements.opset} and IR {requirements.ir_version} came with onnxruntime {needed}"
    if release(needed) > release(target.version):
        return Verdict("cannot run", why, f"pip install 'onnxruntime>={needed}', or export with a smaller --opset")
    return Verdict("runs", why, "")


def _judge_tflite(requirements: Requirements, target: Target) -> Verdict:
    if requirements.underived:
        return Verdict(
            "unknown", f"no rule for {', '.join(requirements.underived)}", "edgedigits selftest tells, there"
        )
    for name, needed in requirements.operators.items():
        declared = requirements.declared[name]
        if not _has(target, name, declared):
            why = f"{name} says version {declared}, which {PACKAGES[target.engine]} {target.version} does not have"
            return Verdict("cannot run", why, f"pip install ai-edge-litert; or {_EXPORT_AGAIN}")
        if not _has(target, name, needed):
            why = f"{name} says version {declared} but its tensors need {needed}: it loads, and answers wrongly"
            return Verdict("computes wrongly", why, f"pip install ai-edge-litert; or {_EXPORT_AGAIN}")
    return Verdict("runs", "every operator's version is there", "")


def _has(target: Target, name: str, version: int) -> bool:
    """Whether a release has an operator's version; LiteRT began after the last release of tflite-runtime."""
    since = runtime_of(name, version)
    return target.engine == "litert" or (since is not None and release(since) <= release(target.version))
