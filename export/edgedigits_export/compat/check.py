"""Whether a model file runs and computes rightly on an engine release, judged by its content without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgedigits.doctor.wheels import WHEELS
from edgedigits.engines import ENGINES
from edgedigits.errors import UsageError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.custom import PREFIX, custom_operator
from edgedigits_export.compat.limits import Limit, noted_limits
from edgedigits_export.compat.onnx_kernels import onnx_kernel_introduced_at
from edgedigits_export.compat.releases import (
    ALWAYS,
    ML,
    NEVER,
    ReleasePoint,
    ir_version_introduced_at,
    operator_introduced_at,
    opset_introduced_at,
    parse_point,
    release_numbers,
    release_point,
)
from edgedigits_export.compat.targets import known_targets
from edgedigits_export.compat.tflite_kernels import computes_wrongly, tflite_kernel_introduced_at

Answer = Literal["runs", "cannot run", "computes wrongly", "unknown"]

_TARGET = re.compile(r"(?P<name>[\w-]+)==(?P<version>\d+(\.\d+){0,3})")
_DENSE = (
    "export with edgedigits, which quantizes Dense weights per tensor "
    "(other tools: converter._experimental_disable_per_channel_quantization_for_dense_layers = True)"
)
_TRY = "install that release and run edgedigits bench on the file to find out"
_EXPORT = "make the file again from its model, with edgedigits export for example"


@dataclass(frozen=True, slots=True)
class EngineRelease:
    """A release of an engine."""

    engine: str
    version: str

    def __str__(self) -> str:
        """Return the package and its release, as pip names them."""
        return f"{self.distribution} {self.version}"

    @property
    def distribution(self) -> str:
        """The package as pip knows it."""
        return ENGINES[self.engine].distribution


@dataclass(frozen=True, slots=True)
class ReleaseVerdict:
    """Whether one file runs on one engine release.

    Attributes
    ----------
    why: the reason for the answer.
    cure: what to do so that the file runs; empty where it runs.

    """

    answer: Answer
    why: str
    cure: str


def parse_release(text: str) -> EngineRelease:
    """Return the release that ``tflite-runtime==2.14.0`` names; the engine goes by its own name or its package's.

    Raises
    ------
    UsageError: there is no such engine, or the text has no release.

    """
    match = _TARGET.fullmatch(text)
    name = match["name"] if match else None
    engine = next((engine for engine, kind in ENGINES.items() if name in {engine, kind.distribution}), None)
    if match is None or engine is None:
        names = ", ".join(kind.distribution for kind in ENGINES.values())
        boards = ", ".join(known_targets().boards)
        raise UsageError(
            f"--target {text}: expected ENGINE==VERSION with {names}, for example tflite-runtime==2.14.0; or a board: "
            f"{boards}; or tflite-micro"
        )
    return EngineRelease(engine, match["version"])


def judge_release(requirements: Requirements, format_: Format, release: EngineRelease) -> ReleaseVerdict:
    """Judge whether a file with these requirements runs on an engine release.

    Raises
    ------
    UsageError: the engine does not read the format.

    """
    kind = ENGINES[release.engine]
    if kind.format != format_:
        raise UsageError(f"{release.distribution} reads .{kind.format} files, found .{format_}")
    known = known_targets().engines[release.engine]
    if not release_numbers(known.first) <= release_numbers(release.version) <= release_numbers(known.last):
        return ReleaseVerdict(
            "unknown", f"known from {known.first} to {known.last} only", f"{_TRY}; or take {known.last}"
        )
    faults = list((_onnx_faults if format_ == "onnx" else _tflite_faults)(requirements, release))
    for answer in ("cannot run", "computes wrongly"):
        if found := next((verdict for verdict in faults if verdict.answer == answer), None):
            return found
    if requirements.underived:
        return ReleaseVerdict("unknown", f"never tried: {', '.join(requirements.underived)}", _TRY)
    return next(iter(faults), ReleaseVerdict("runs", _first_release(requirements, release), ""))


def numpy_limit(release: EngineRelease) -> str:
    """Return the limit on numpy's version that pip has to be told beside a release, ``<2``; empty where any will do."""
    wanted = release_numbers(release.version)
    blocks = (block for block in WHEELS if block.engine == release.engine)
    return next((block.numpy for block in blocks if wanted in map(release_numbers, block.releases)), "")


def numpy_clash(release: EngineRelease, numpy: str) -> ReleaseVerdict | None:
    """Return the verdict on any file where a release does not work beside the installed numpy, else None."""
    if numpy_limit(release) != "<2" or release_numbers(numpy) < (2,):
        return None
    return ReleaseVerdict("cannot run", f"{release} dies with numpy 2, found numpy {numpy}", "pip install 'numpy<2'")


def _first_release(requirements: Requirements, release: EngineRelease) -> str:
    """Return from which release of the engine on the file runs."""
    known = known_targets().engines[release.engine]
    first = max(known.first, requirements.engines.get(release.engine, "0"), key=release_numbers)
    limit = numpy_limit(release)
    return f"{release.distribution} from {first} on" + (f", with numpy {limit}" if limit else "")


def _onnx_faults(requirements: Requirements, release: EngineRelease) -> Iterator[ReleaseVerdict]:
    """Yield a verdict for each requirement that onnxruntime's release does not meet, or that is not known."""
    point = release_point(release.engine, release.version)
    opset, ir_version = requirements.opset, requirements.ir_version or 0
    formats = [(f"IR version {ir_version}", ir_version_introduced_at(ir_version))]
    if opset is not None:
        formats.insert(0, (f"opset {opset}", opset_introduced_at(opset)))
    if (ml := requirements.declared.get(ML)) is not None:
        formats.append((f"opset {ml} of {ML}", opset_introduced_at(ml, ML)))
    for what, introduced in formats:
        if introduced is None:
            yield ReleaseVerdict("unknown", f"{what} is not in the table", _TRY)
        elif introduced > point:
            cure = _cure(introduced, release, "make the file again with a smaller opset: 13 brings IR version 7")
            yield ReleaseVerdict("cannot run", f"{what} came with onnxruntime {introduced}", cure)
    yield from _custom_faults(requirements, "onnx", release)
    yield from _limit_faults(requirements, "onnx", release)
    for name, version in requirements.operators.items():
        operator, _, types = name.partition(" ")
        if types and not noted_limits("onnx", operator, types):
            introduced = onnx_kernel_introduced_at(operator, version, types)
            if introduced > point:
                why = _no_kernel(operator, types, release, introduced)
                yield ReleaseVerdict("cannot run", why, _cure(introduced, release, _keep_float(operator, types)))


def _custom_faults(requirements: Requirements, format_: Format, release: EngineRelease) -> Iterator[ReleaseVerdict]:
    """Yield a verdict for each operator that is no part of the format and that the release does not have."""
    for name in requirements.operators:
        if name.startswith(PREFIX):
            known = custom_operator(format_, name.removeprefix(PREFIX))
            if known.introduced > release_point(release.engine, release.version):
                why = f"{name.removeprefix(PREFIX)} is a custom operator, which {release} does not have; {known.has} do"
                yield ReleaseVerdict("cannot run", why, _cure(known.introduced, release, known.cure))


def _limit_faults(requirements: Requirements, format_: Format, release: EngineRelease) -> Iterator[ReleaseVerdict]:
    """Yield a verdict for each limit of kernels that the file runs into in the release."""
    point = release_point(release.engine, release.version)
    for name in requirements.operators:
        operator, _, noted = name.partition(" ")
        for limit in noted_limits(format_, operator, noted):
            if limit.fails_in(point):
                does = "computes wrongly" if limit.wrongly else "does not run"
                why = f"{operator} with {limit.what} {does} in {release}{_until(limit, release)}"
                answer: Answer = "computes wrongly" if limit.wrongly else "cannot run"
                yield ReleaseVerdict(answer, why, _cure(limit.ends_at, release, f"make {operator} without it"))


def _until(limit: Limit, release: EngineRelease) -> str:
    """Return where a limit begins or ends, as far as that is not everywhere."""
    if limit.ends_at != NEVER:
        return f", only from {_package_release(limit.ends_at, release)} on"
    began = parse_point(limit.fails_from)
    return f", only before {_package_release(began, release)}" if began != ALWAYS else ", nor in any other release"


def _tflite_faults(requirements: Requirements, release: EngineRelease) -> Iterator[ReleaseVerdict]:
    """Yield a verdict for each operator version and each kernel that the release of a TFLite engine does not have."""
    point = release_point(release.engine, release.version)
    yield from _custom_faults(requirements, "tflite", release)
    yield from _limit_faults(requirements, "tflite", release)
    for name, needed in requirements.operators.items():
        operator, _, types = name.partition(" ")
        if operator in requirements.underived or name.startswith(PREFIX) or noted_limits("tflite", operator, types):
            continue
        declared = requirements.declared[name]
        otherwise = _DENSE if operator == "FULLY_CONNECTED" else _EXPORT
        if (introduced := operator_introduced_at(operator, declared)) > point:
            why = f"{operator} says version {declared}, which {release} does not have"
            yield ReleaseVerdict("cannot run", why, _cure(introduced, release, otherwise))
        elif types:
            yield from _kernel_faults(operator, types, release)
        elif (introduced := operator_introduced_at(operator, needed)) > point and not _is_refused(
            requirements, operator, point
        ):
            why = f"{operator} says version {declared} but its tensors need {needed}: it loads, and answers wrongly"
            yield ReleaseVerdict("computes wrongly", why, _cure(introduced, release, otherwise))


def _kernel_faults(operator: str, types: str, release: EngineRelease) -> Iterator[ReleaseVerdict]:
    introduced = tflite_kernel_introduced_at(operator, types)
    point = release_point(release.engine, release.version)
    if introduced is None or introduced <= point:
        return
    dense = operator == "FULLY_CONNECTED" and types.endswith("INT8/axis")
    cure = _cure(introduced, release, _DENSE if dense else _keep_float(operator, types))
    if computes_wrongly(operator, types, point):
        why = f"{operator} on {types} loads and answers wrongly before {_package_release(introduced, release)}"
        yield ReleaseVerdict("computes wrongly", why, cure)
    else:
        yield ReleaseVerdict("cannot run", _no_kernel(operator, types, release, introduced), cure)


def _keep_float(operator: str, types: str) -> str:
    quantized = any(kind in types.upper() for kind in ("INT4", "INT8", "INT16"))
    return f"keep {operator} in float32 when quantizing" if quantized else f"give {operator} float32"


def _is_refused(requirements: Requirements, operator: str, point: ReleasePoint) -> bool:
    """Return whether an operator's kernel refuses its types at load, so that nothing is computed wrongly."""
    prefix = f"{operator} "
    refusable = [name.removeprefix(prefix) for name in requirements.operators if name.startswith(prefix)]
    kernels = [
        tflite_kernel_introduced_at(operator, types)
        for types in refusable
        if not computes_wrongly(operator, types, point)
    ]
    return any(introduced is not None and introduced > point for introduced in kernels)


def _no_kernel(operator: str, types: str, release: EngineRelease, introduced: ReleasePoint) -> str:
    since = "no release has one" if introduced == NEVER else f"it came with {_package_release(introduced, release)}"
    return f"{operator} has no kernel for {types.replace(',', ', ')} in {release}: {since}"


def _package_release(point: ReleasePoint, release: EngineRelease) -> str:
    """Return a point as a package and its release, as pip names them; ``release`` tells onnxruntime from the others."""
    if release.engine == "onnxruntime":
        return f"onnxruntime {point}"
    return f"{ENGINES['litert' if point.line else 'tflite-runtime'].distribution} {point.full()}"


def _cure(introduced: ReleasePoint, release: EngineRelease, otherwise: str) -> str:
    if introduced == NEVER:
        return otherwise
    return f"pip install '{_package_release(introduced, release).replace(' ', '>=')}', or {otherwise}"
