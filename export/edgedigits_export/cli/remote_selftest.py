"""`edgedigits selftest` elsewhere than here: on an emulated board, or with another release of an engine."""

from __future__ import annotations

import argparse
import json
import platform
import re
import signal
import sys
from contextlib import AbstractContextManager
from typing import Any

from edgedigits.bundle import Bundle, split_variant
from edgedigits.console.options import output_of
from edgedigits.console.progress import progress
from edgedigits.engines import ENGINES
from edgedigits.errors import TargetError, UsageError
from edgedigits_export.compat.targets import package_of
from edgedigits_export.emulation.boards import BOARDS, NOTE, find_system, processor_of, releases
from edgedigits_export.emulation.python_environment import PythonEnvironment
from edgedigits_export.emulation.qemu import emulated_board
from edgedigits_export.emulation.temporary_venv import temporary_venv

_RELEASE = re.compile(r"\d+(\.\d+)*")
_ARM = {"aarch64", "arm64", "armv7l", "armv8l"}


def run(args: argparse.Namespace) -> int:
    """Run the self-test there; its exit code is that of the command."""
    output = output_of(args)
    output.refuse_existing()
    engine, version = parse_engine(args.engine)
    told: dict[str, Any]
    place: AbstractContextManager[PythonEnvironment]
    if args.board is None:
        if engine is None or version is None:
            raise UsageError("--os and --arch: say which --board they belong to")
        engines = {engine: version}
        place, told = temporary_venv(engines, progress), {"emulated": False, "machine": platform.machine()}
    else:
        engines, place, told = _board(args, engine, version)
    with place as ready:
        told |= {"versions": ready.versions(["numpy", "pillow", *map(package_of, engines)])}
        return _selftest(args, ready, engine or "auto", told)


def parse_engine(text: str) -> tuple[str | None, str | None]:
    """An engine's name and release: ``auto``, ``tflite``, ``tflite==2.14``, ``tflite-runtime==2.14``.

    Raises
    ------
    UsageError: no such engine, or no release after the two equals signs.

    """
    name, separator, version = text.partition("==")
    engine = next((known for known in ENGINES if name in {known, package_of(known)}), None)
    if (engine is None and text != "auto") or (separator and not _RELEASE.fullmatch(version)):
        names = " or ".join(package_of(known) for known in ENGINES)
        raise UsageError(
            f"--engine {text}: expected ENGINE or ENGINE==VERSION with {names}, as in tflite-runtime==2.14"
        )
    return engine, version or None


def _board(
    args: argparse.Namespace, engine: str | None, version: str | None
) -> tuple[dict[str, str], AbstractContextManager[PythonEnvironment], dict[str, Any]]:
    """Engines, the place that has them, and what is to be told of it."""
    board, system = BOARDS[args.board], find_system(args.os or "bookworm", args.arch or "arm64")
    format_ = split_variant(args.variant)[1] if args.variant else None
    formats = {file.format for file in Bundle.load(args.bundle).manifest.files if format_ in {None, file.format}}
    engines = releases(system, engine, version, next(iter(formats)) if len(formats) == 1 else None)
    told = {"board": args.board, "os": system.suite, "arch": system.architecture}
    machine = platform.machine()
    if sys.platform == "linux" and machine in _ARM:
        note = f"natively on this {machine} machine, whose processor and Python are not restricted to the board's"
        return engines, temporary_venv(engines, progress), told | {"emulated": False, "note": note}
    if sys.platform != "linux" or machine != "x86_64":
        raise TargetError(
            f"--board: expected Linux on an x86-64 or ARM processor, found {platform.system()} on {machine}; "
            "use a Debian machine or container"
        )
    told |= {"model": board.model, "processor": processor_of(board, system), "emulated": True, "note": NOTE}
    return engines, emulated_board(board, system, engines, progress), told


def _selftest(args: argparse.Namespace, place: PythonEnvironment, engine: str, told: dict[str, Any]) -> int:
    stored = place.folder / "selftest.json"
    words = ["selftest", *([args.bundle] if args.bundle else []), "--engine", engine, "--threads", str(args.threads)]
    words += ["--variant", args.variant] if args.variant else []
    done = place.command([*words, "-o", str(stored)], show_errors=True)
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise TargetError(f"the self-test died there of {name}; take another engine, release or board")
    if stored.exists():  # otherwise it told its error already
        versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
        there = [str(told[key]) for key in ("model", "processor", "os", "arch", "machine") if key in told]
        head = f"{', '.join(there)}: {versions}" + (f"\n{told['note']}" if "note" in told else "")
        output_of(args).give(told | json.loads(stored.read_text()), f"{head}\n\n{done.stdout.rstrip()}")
    return done.returncode
