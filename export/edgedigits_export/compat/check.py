"""Will this file run on that engine release, and compute rightly? Answered from its content, without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgedigits.engines import ENGINES
from edgedigits.errors import UsageError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.kernels import computes_wrongly, onnx_kernel, tflite_kernel
from edgedigits_export.compat.releases import NEVER, Since, ir_since, opset_since, place, release, version_since
from edgedigits_export.compat.targets import known, package_of

Answer = Literal["runs", "cannot run", "computes wrongly", "unknown"]

_TARGET = re.compile(r"(?P<name>[\w-]+)==(?P<version>\d+(\.\d+){0,3})")
_DENSE = (
    "export with edgedigits, which quantizes Dense weights per tensor "
    "(other tools: converter._experimental_disable_per_channel_quantization_for_dense_layers = True)"
)
_TRY = "edgedigits selftest tells, there"


@dataclass(frozen=True, slots=True)
class Target:
    """An engine's release."""

    engine: str
    version: str

    def __str__(self) -> str:
        """The package and its release, as pip names them."""
        return f"{package_of(self.engine)} {self.version}"


@dataclass(frozen=True, slots=True)
class TargetVerdict:
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
    match = _TARGET.fullmatch(text)
    engine = next((name for name in known().engines if match and match["name"] in {name, package_of(name)}), None)
    if match is None or engine is None:
        names = ", ".join(map(package_of, known().engines))
        boards = ", ".join(known().boards)
        raise UsageError(
            f"--target {text}: expected ENGINE==VERSION with {names}, for example tflite-runtime==2.14.0; or a board: "
            f"{boards}"
        )
    return Target(engine, match["version"])


def judge_target(requirements: Requirements, format_: Format, target: Target) -> TargetVerdict:
    """Whether a file with these requirements runs on the target.

    Raises
    ------
    UsageError: the engine does not read the format.

    """
    if ENGINES[target.engine].format != format_:
        raise UsageError(f"{package_of(target.engine)} reads .{ENGINES[target.engine].format} files, found .{format_}")
    table = known().engines[target.engine]
    if not release(table.first) <= release(target.version) <= release(table.last):
        return TargetVerdict(
            "unknown", f"known from {table.first} to {table.last} only", f"{_TRY}; or take {table.last}"
        )
    judged = list((_onnx if format_ == "onnx" else _tflite)(requirements, target))
    for answer in ("cannot run", "computes wrongly"):
        if found := next((verdict for verdict in judged if verdict.answer == answer), None):
            return found
    if requirements.underived:
        return TargetVerdict("unknown", f"never tried: {', '.join(requirements.underived)}", _TRY)
    return next(iter(judged), TargetVerdict("runs", _promise(requirements, target), ""))


def numpy_limit(target: Target) -> str:
    """What pip has to be told of numpy beside a release, for example ``<2``; empty where any will do."""
    blocks = (block for block in known().wheels if block.engine == target.engine)
    return next((block.numpy for block in blocks if release(target.version) in map(release, block.releases)), "")


def numpy_clash(target: Target, numpy: str) -> TargetVerdict | None:
    """The verdict on any file where a release does not work beside the numpy that is installed."""
    if numpy_limit(target) != "<2" or release(numpy) < (2,):
        return None
    return TargetVerdict("cannot run", f"{target} dies with numpy 2, found numpy {numpy}", "pip install 'numpy<2'")


def _promise(requirements: Requirements, target: Target) -> str:
    first = max(known().engines[target.engine].first, requirements.engines.get(target.engine, "0"), key=release)
    limit = numpy_limit(target)
    return f"{package_of(target.engine)} from {first} on" + (f", with numpy {limit}" if limit else "")


def _onnx(requirements: Requirements, target: Target) -> Iterator[TargetVerdict]:
    at = place(target.engine, target.version)
    opset, ir_version = requirements.opset or 0, requirements.ir_version or 0
    for what, came in ((f"opset {opset}", opset_since(opset)), (f"IR version {ir_version}", ir_since(ir_version))):
        if came is None:
            yield TargetVerdict("unknown", f"{what} is not in the table", "export with --opset 13")
        elif came > at:
            cure = f"pip install 'onnxruntime>={came}', or export with a smaller --opset: 13 brings IR version 7"
            yield TargetVerdict("cannot run", f"{what} came with onnxruntime {came}", cure)
    for name, version in requirements.operators.items():
        operator, _, kind = name.partition(" ")
        came = onnx_kernel(operator, version, kind) if kind else None
        if came is not None and came > at:
            yield TargetVerdict(
                "cannot run", _no_kernel(operator, kind, target, came), _cure(came, target, _keep(operator))
            )


def _tflite(requirements: Requirements, target: Target) -> Iterator[TargetVerdict]:
    at = place(target.engine, target.version)
    for name, needed in requirements.operators.items():
        operator, _, kind = name.partition(" ")
        if operator in requirements.underived:
            continue
        declared = requirements.declared[name]
        again = _DENSE if operator == "FULLY_CONNECTED" else "export the Keras model again with edgedigits"
        if (came := version_since(operator, declared)) > at:
            why = f"{operator} says version {declared}, which {target} does not have"
            yield TargetVerdict("cannot run", why, _cure(came, target, again))
        elif kind:
            yield from _kernel(operator, kind, target)
        elif (came := version_since(operator, needed)) > at and not _refused(requirements, operator, at):
            why = f"{operator} says version {declared} but its tensors need {needed}: it loads, and answers wrongly"
            yield TargetVerdict("computes wrongly", why, _cure(came, target, again))


def _kernel(operator: str, kind: str, target: Target) -> Iterator[TargetVerdict]:
    came, at = tflite_kernel(operator, kind), place(target.engine, target.version)
    if came is None or came <= at:
        return
    dense = operator == "FULLY_CONNECTED" and kind.endswith("INT8/axis")
    cure = _cure(came, target, _DENSE if dense else _keep(operator))
    if computes_wrongly(operator, kind, at):
        why = f"{operator} on {kind} loads and answers wrongly before {_named(came, target)}"
        yield TargetVerdict("computes wrongly", why, cure)
    else:
        yield TargetVerdict("cannot run", _no_kernel(operator, kind, target, came), cure)


def _keep(operator: str) -> str:
    return f"keep {operator} in float32 when quantizing (or take the variant float32)"


def _refused(requirements: Requirements, operator: str, at: Since) -> bool:
    """Whether an operator's kernel refuses these types, so that nothing is computed."""
    kinds = [name.partition(" ")[2] for name in requirements.operators if name.startswith(f"{operator} ")]
    kernels = [tflite_kernel(operator, kind) for kind in kinds if not computes_wrongly(operator, kind, at)]
    return any(came is not None and came > at for came in kernels)


def _no_kernel(operator: str, kind: str, target: Target, came: Since) -> str:
    since = "no release has one" if came == NEVER else f"it came with {_named(came, target)}"
    return f"{operator} has no kernel for {kind} in {target}: {since}"


def _named(came: Since, target: Target) -> str:
    """The first release of an engine's row that has something, as pip names it."""
    if target.engine == "onnxruntime":
        return f"onnxruntime {came}"
    return f"{package_of('litert' if came.row else 'tflite-runtime')} {'.'.join(map(str, (*came.release, 0, 0)[:3]))}"


def _cure(came: Since, target: Target, otherwise: str) -> str:
    if came == NEVER:
        return otherwise
    return f"pip install '{_named(came, target).replace(' ', '>=')}', or {otherwise}"
