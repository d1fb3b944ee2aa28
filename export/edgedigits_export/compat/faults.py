"""Why a file does not run, or computes wrongly, in one release of an engine; and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from edgedigits.engines import ENGINES
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
    release_point,
)
from edgedigits_export.compat.tflite_kernels import computes_wrongly, tflite_kernel_introduced_at
from edgedigits_export.compat.verdict import Answer, EngineRelease, ReleaseVerdict

_DENSE = (
    "export with edgedigits, which quantizes Dense weights per tensor "
    "(other tools: converter._experimental_disable_per_channel_quantization_for_dense_layers = True)"
)
_EXPORT = "make the file again from its model, with edgedigits export for example"
TRY = "install that release and run edgedigits bench on the file to find out"


def onnx_faults(requirements: Requirements, release: EngineRelease) -> Iterator[ReleaseVerdict]:
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
            yield ReleaseVerdict("unknown", f"{what} is not in the table", TRY)
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


def tflite_faults(requirements: Requirements, release: EngineRelease) -> Iterator[ReleaseVerdict]:
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
