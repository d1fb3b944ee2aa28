"""Will this file run on that Raspberry Pi? Which engine has a wheel there, and what must stand beside it."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.engines import ENGINES
from edgedigits.errors import UsageError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.check import Target, TargetVerdict, judge_target
from edgedigits_export.compat.releases import release
from edgedigits_export.compat.targets import Wheels, known, package_of


@dataclass(frozen=True, slots=True)
class BoardTarget:
    """A board under a release of Raspberry Pi OS, 64-bit (arm64) or 32-bit (armhf)."""

    board: str
    system: str
    arch: str

    def __str__(self) -> str:
        """As the options name it."""
        return f"{self.board} {self.system} {self.arch}"


@dataclass(frozen=True, slots=True)
class BoardVerdict:
    """The answer for one file in one engine of a board.

    Attributes
    ----------
    version: the newest release with a wheel there, None where there is none.
    install: the line that brings it, with what numpy must be; empty where there is none.

    """

    engine: str
    version: str | None
    verdict: TargetVerdict
    install: str


def parse_board(text: str, system: str | None, arch: str | None) -> BoardTarget:
    """A board by name; by default bookworm, and 64-bit where the board can.

    Raises
    ------
    UsageError: no such board or system, or one that cannot be of that architecture.

    """
    board = known().boards[text]
    system, arch = system or "bookworm", arch or next(iter(board.machines))
    if system not in known().systems:
        raise UsageError(f"--os {system}: expected {' or '.join(known().systems)}")
    if arch not in board.machines:
        raise UsageError(f"--arch {arch}: a {board.name} ({board.cpu}) runs {' or '.join(board.machines)} only")
    return BoardTarget(text, system, arch)


def judge_board(requirements: Requirements, format_: Format, target: BoardTarget) -> list[BoardVerdict]:
    """One verdict for each engine that reads the format."""
    return [
        _judge_engine(requirements, format_, engine, target)
        for engine, kind in ENGINES.items()
        if kind.format == format_
    ]


def _judge_engine(requirements: Requirements, format_: Format, engine: str, target: BoardTarget) -> BoardVerdict:
    wheels = newest_wheels(engine, target)
    if wheels is None:
        return BoardVerdict(
            engine, None, TargetVerdict("cannot run", _missing(engine, target), _elsewhere(engine, target)), ""
        )
    version = wheels.releases[-1]
    verdict = judge_target(requirements, format_, Target(engine, version))
    return BoardVerdict(engine, version, verdict, _install(engine, version, wheels, target))


def newest_wheels(engine: str, target: BoardTarget) -> Wheels | None:
    """The block of the table with an engine's newest wheels for a board's Python, machine and C library."""
    system, machine = known().systems[target.system], _machine(target)
    fitting = [
        block
        for block in known().wheels
        if block.engine == engine
        and system.python in block.pythons
        and machine in block.glibc
        and release(block.glibc[machine]) <= release(system.glibc)
    ]
    return max(fitting, key=lambda block: release(block.releases[-1]), default=None)


def _machine(target: BoardTarget) -> str:
    return known().boards[target.board].machines[target.arch]


def _missing(engine: str, target: BoardTarget) -> str:
    """Why an engine has no wheel: the machine, the Python or the C library."""
    system, machine = known().systems[target.system], _machine(target)
    name = package_of(engine)
    blocks = [block for block in known().wheels if block.engine == engine and machine in block.glibc]
    if not blocks:
        cpu = f", {known().boards[target.board].cpu}" if machine == "armv6l" else ""
        return f"no wheel of {name} for {machine} ({target.arch}{cpu})"
    pythons = [python for block in blocks for python in block.pythons]
    if system.python not in pythons:
        newest = max(pythons, key=release)
        return f"no wheel of {name} for Python {system.python} ({target.system}): they end at Python {newest}"
    glibc = min((block.glibc[machine] for block in blocks if system.python in block.pythons), key=release)
    return f"{name} needs glibc {glibc} or later, {target.system} has {system.glibc}"


def _elsewhere(engine: str, target: BoardTarget) -> str:
    """What would have the engine: another system or architecture of this board, another engine there, another board."""
    board = known().boards[target.board]
    here = [name for name, kind in ENGINES.items() if kind.format == ENGINES[engine].format]
    if others := [package_of(name) for name in here if newest_wheels(name, target)]:
        return f"take {' or '.join(others)}"
    places = [BoardTarget(target.board, system, arch) for arch in board.machines for system in known().systems]
    fitting = [place for place in places if any(newest_wheels(name, place) for name in here)]
    if fitting:
        return "take " + " or ".join(f"--os {place.system} --arch {place.arch}" for place in fitting)
    if any(newest_wheels(name, place) for name in ENGINES for place in places):
        return "take the .tflite file of this variant: tflite-runtime has 32-bit wheels"
    return "take another board: no engine has wheels for this one"


def _install(engine: str, version: str, wheels: Wheels, target: BoardTarget) -> str:
    """The pip line, and why numpy stays below 2 where it must."""
    system = known().systems[target.system]
    old = release(system.numpy) < (2,)
    line = f"pip install '{package_of(engine)}=={version}'"
    reasons = [f"{package_of(engine)} {version} dies with numpy 2"] if wheels.numpy else []
    reasons += [f"so does apt's picamera2, built with numpy {system.numpy}"] if old and reasons else []
    reasons += [f"apt's picamera2, built with numpy {system.numpy}, breaks with numpy 2"] if old and not reasons else []
    if _machine(target) == "armv7l":
        line = f"apt install python3-numpy python3-pil; {line} in a venv with --system-site-packages"
        reasons.insert(0, "PyPI has no numpy and Pillow for armv7l")
    elif wheels.numpy or old:
        line += " 'numpy<2'"
    return line + (f"  # {'; '.join(reasons)}" if reasons else "")
