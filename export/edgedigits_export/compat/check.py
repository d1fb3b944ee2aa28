"""Whether a model file runs and computes rightly on an engine release, judged by its content without running it."""

from __future__ import annotations

import re

from edgedigits.doctor.wheels import WHEELS
from edgedigits.engines import ENGINES
from edgedigits.errors import UsageError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.faults import TRY, onnx_faults, tflite_faults
from edgedigits_export.compat.releases import release_numbers
from edgedigits_export.compat.targets import known_targets
from edgedigits_export.compat.verdict import EngineRelease, ReleaseVerdict

_TARGET = re.compile(r"(?P<name>[\w-]+)==(?P<version>\d+(\.\d+){0,3})")


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
            "unknown", f"known from {known.first} to {known.last} only", f"{TRY}; or take {known.last}"
        )
    faults = list((onnx_faults if format_ == "onnx" else tflite_faults)(requirements, release))
    for answer in ("cannot run", "computes wrongly"):
        if found := next((verdict for verdict in faults if verdict.answer == answer), None):
            return found
    if requirements.underived:
        return ReleaseVerdict("unknown", f"never tried: {', '.join(requirements.underived)}", TRY)
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
