"""`edgedigits selftest` in another Python: on an emulated board, or with another release of an engine."""

from __future__ import annotations

import json
import platform
import re
import signal
import sys
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from edgedigits.bundle import Bundle, split_variant
from edgedigits.console.progress import progress
from edgedigits.console.requests import RemoteSelftestRequest
from edgedigits.engines import ENGINES
from edgedigits.errors import TargetError, UsageError
from edgedigits_export.emulation.boards import BOARDS, NOTE, engine_releases, find_system, processor_of
from edgedigits_export.emulation.python_environment import PythonEnvironment
from edgedigits_export.emulation.qemu import emulated_board
from edgedigits_export.emulation.temporary_venv import temporary_venv

_RELEASE = re.compile(r"\d+(\.\d+)*")
_ARM = {"aarch64", "arm64", "armv7l", "armv8l"}


class _Plan(NamedTuple):
    """Where the self-test runs: the engines with their releases, the Python that has them, and what the result says."""

    engines: dict[str, str]
    environment: AbstractContextManager[PythonEnvironment]
    description: dict[str, Any]


def run(request: RemoteSelftestRequest) -> int:
    """Run the self-test there and return its exit code.

    Raises
    ------
    UsageError: no such engine or release, or a board's options without a board.
    TargetError: the environment cannot be made here, or the self-test crashed in it.

    """
    request.output.refuse_existing()
    engine, version = parse_engine(request.engine)
    if request.board is None:
        plan = _plan_release(engine, version)
    else:
        plan = _plan_board(request.board, request, engine, version)
    with plan.environment as environment:
        packages = ["numpy", "pillow", *(ENGINES[name].distribution for name in plan.engines)]
        versions = environment.versions(packages)
        return _selftest(request, environment, engine or "auto", plan.description | {"versions": versions})


def parse_engine(text: str) -> tuple[str | None, str | None]:
    """Return the engine and the release that a text names: ``auto``, ``litert``, ``tflite-runtime==2.14``.

    Raises
    ------
    UsageError: there is no such engine, or no release after the two equals signs.

    """
    name, separator, version = text.partition("==")
    engine = next((known for known, kind in ENGINES.items() if name in {known, kind.distribution}), None)
    if (engine is None and text != "auto") or (separator and not _RELEASE.fullmatch(version)):
        names = " or ".join(kind.distribution for kind in ENGINES.values())
        raise UsageError(
            f"--engine {text}: expected ENGINE or ENGINE==VERSION with {names}, as in tflite-runtime==2.14"
        )
    return engine, version or None


def _plan_release(engine: str | None, version: str | None) -> _Plan:
    """Plan for an engine's release on this machine."""
    if engine is None or version is None:
        raise UsageError("--os and --arch: expected --board, which they belong to, found none; say which board")
    engines = {engine: version}
    return _Plan(engines, temporary_venv(engines, progress), {"emulated": False, "machine": platform.machine()})


def _plan_board(name: str, request: RemoteSelftestRequest, engine: str | None, version: str | None) -> _Plan:
    """Plan for a board: natively on an ARM machine, else emulated."""
    board, system = BOARDS[name], find_system(request.os or "bookworm", request.arch or "arm64")
    format_ = split_variant(request.variant)[1] if request.variant else None
    formats = {file.format for file in Bundle.load(request.bundle).manifest.files if format_ in {None, file.format}}
    engines = engine_releases(system, engine, version, next(iter(formats)) if len(formats) == 1 else None)
    description: dict[str, Any] = {"board": name, "os": system.suite, "arch": system.architecture}
    machine = platform.machine()
    if sys.platform == "linux" and machine in _ARM:
        note = f"natively on this {machine} machine, whose processor and Python are not restricted to the board's"
        return _Plan(engines, temporary_venv(engines, progress), description | {"emulated": False, "note": note})
    if sys.platform != "linux" or machine != "x86_64":
        raise TargetError(
            f"--board: expected Linux on an x86-64 or ARM processor, found {platform.system()} on {machine}; "
            "use a Debian machine or container"
        )
    description |= {"model": board.model, "processor": processor_of(board, system), "emulated": True, "note": NOTE}
    return _Plan(engines, emulated_board(board, system, engines, progress), description)


def _selftest(
    request: RemoteSelftestRequest, environment: PythonEnvironment, engine: str, description: dict[str, Any]
) -> int:
    """Run the command in the environment, and give out its result with the description of the environment."""
    stored = environment.folder / "selftest.json"
    words = ["selftest", *([request.bundle] if request.bundle else [])]
    words += ["--engine", engine, "--threads", str(request.threads)]
    words += ["--variant", request.variant] if request.variant else []
    done = environment.command([*words, "-o", str(stored)], show_errors=True)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise TargetError(f"the self-test died there of {name}; take another engine, release or board")
    if stored.exists():  # otherwise the command has printed its error already
        versions = ", ".join(f"{name} {version}" for name, version in description["versions"].items())
        keys = ("model", "processor", "os", "arch", "machine")
        where = [str(description[key]) for key in keys if key in description]
        head = f"{', '.join(where)}: {versions}" + (f"\n{description['note']}" if "note" in description else "")
        request.output.give(description | json.loads(stored.read_text()), f"{head}\n\n{done.stdout.rstrip()}")
    return done.returncode
