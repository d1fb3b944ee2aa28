"""Whether a model file runs on a Raspberry Pi: which engine has a wheel there, and which numpy it needs beside it."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.doctor.wheels import WHEELS, Wheels
from edgedigits.engines import ENGINES
from edgedigits.errors import UsageError
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.check import judge_release
from edgedigits_export.compat.releases import release_numbers
from edgedigits_export.compat.targets import known_targets
from edgedigits_export.compat.verdict import EngineRelease, ReleaseVerdict


@dataclass(frozen=True, slots=True)
class BoardTarget:
    """A board under a release of Raspberry Pi OS, 64-bit (arm64) or 32-bit (armhf)."""

    board: str
    system: str
    arch: str

    def __str__(self) -> str:
        """Return the three words as the command's options have them."""
        return f"{self.board} {self.system} {self.arch}"

    @property
    def machine(self) -> str:
        """The machine as ``uname -m`` names it."""
        return known_targets().boards[self.board].machines[self.arch]

    @property
    def platform(self) -> str:
        """The platform as the table of wheels names it."""
        return f"linux-{self.machine}"


@dataclass(frozen=True, slots=True)
class BoardVerdict:
    """Whether one file runs in one engine on a board.

    Attributes
    ----------
    version: the engine's newest release with a wheel there; None where there is none.
    install: the line that installs it, with the numpy that it needs; empty where there is no wheel.

    """

    engine: str
    version: str | None
    verdict: ReleaseVerdict
    install: str


def parse_board(text: str, system: str | None, arch: str | None) -> BoardTarget:
    """Return a board by its name, by default under bookworm, and 64-bit where the board can.

    Raises
    ------
    UsageError: there is no such board or system, or the board cannot run that architecture.

    """
    board = known_targets().boards[text]
    system, arch = system or "bookworm", arch or next(iter(board.machines))
    if system not in known_targets().systems:
        raise UsageError(f"--os {system}: expected {' or '.join(known_targets().systems)}")
    if arch not in board.machines:
        raise UsageError(f"--arch {arch}: a {board.name} ({board.cpu}) runs {' or '.join(board.machines)} only")
    return BoardTarget(text, system, arch)


def judge_board(requirements: Requirements, format_: Format, target: BoardTarget) -> list[BoardVerdict]:
    """Return one verdict for each engine that reads the format."""
    return [
        _judge_engine(requirements, format_, engine, target)
        for engine, kind in ENGINES.items()
        if kind.format == format_
    ]


def _judge_engine(requirements: Requirements, format_: Format, engine: str, target: BoardTarget) -> BoardVerdict:
    wheels = newest_wheels(engine, target)
    if wheels is None:
        verdict = ReleaseVerdict("cannot run", _why_no_wheel(engine, target), _alternative(engine, target))
        return BoardVerdict(engine, None, verdict, "")
    version = wheels.releases[-1]
    verdict = judge_release(requirements, format_, EngineRelease(engine, version))
    return BoardVerdict(engine, version, verdict, _install_line(engine, version, wheels, target))


def newest_wheels(engine: str, target: BoardTarget) -> Wheels | None:
    """Return an engine's newest wheels for a board's Python, machine and C library; None where there are none."""
    system = known_targets().systems[target.system]
    fitting = [
        block
        for block in WHEELS
        if block.engine == engine
        and system.python in block.pythons
        and target.platform in block.platforms
        and _glibc(block, target) <= release_numbers(system.glibc)
    ]
    return max(fitting, key=lambda block: release_numbers(block.releases[-1]), default=None)


def _glibc(block: Wheels, target: BoardTarget) -> tuple[int, ...]:
    """Return the oldest glibc that wheels need on a board."""
    return block.platforms[target.platform] or ()


def _why_no_wheel(engine: str, target: BoardTarget) -> str:
    """Return why an engine has no wheel: because of the machine, the Python or the C library."""
    system, name = known_targets().systems[target.system], ENGINES[engine].distribution
    blocks = [block for block in WHEELS if block.engine == engine and target.platform in block.platforms]
    if not blocks:
        cpu = f", {known_targets().boards[target.board].cpu}" if target.machine == "armv6l" else ""
        return f"no wheel of {name} for {target.machine} ({target.arch}{cpu})"
    pythons = [python for block in blocks for python in block.pythons]
    if system.python not in pythons:
        newest = max(pythons, key=release_numbers)
        return f"no wheel of {name} for Python {system.python} ({target.system}): they end at Python {newest}"
    oldest = min(_glibc(block, target) for block in blocks if system.python in block.pythons)
    return f"{name} needs glibc {'.'.join(map(str, oldest))} or later, {target.system} has {system.glibc}"


def _alternative(engine: str, target: BoardTarget) -> str:
    """Return what to take where an engine has no wheel.

    That is another engine here, another system or architecture of this board, the other format, or another board.
    """
    same_format = [name for name, kind in ENGINES.items() if kind.format == ENGINES[engine].format]
    if others := [ENGINES[name].distribution for name in same_format if newest_wheels(name, target)]:
        return f"take {' or '.join(others)}"
    machines, systems = known_targets().boards[target.board].machines, known_targets().systems
    variants = [BoardTarget(target.board, system, arch) for arch in machines for system in systems]
    if fitting := [one for one in variants if any(newest_wheels(name, one) for name in same_format)]:
        return "take " + " or ".join(f"--os {one.system} --arch {one.arch}" for one in fitting)
    if any(newest_wheels(name, one) for name in ENGINES for one in variants):
        return "take the .tflite file of this variant: tflite-runtime has 32-bit wheels"
    return "take another board: no engine has wheels for this one"


def _install_line(engine: str, version: str, wheels: Wheels, target: BoardTarget) -> str:
    """Return the pip line, with the reason where numpy must stay below 2."""
    system = known_targets().systems[target.system]
    old_numpy = release_numbers(system.numpy) < (2,)
    camera = f"apt's picamera2, built with numpy {system.numpy}"
    name = ENGINES[engine].distribution
    line = f"pip install '{name}=={version}'"
    reasons = [f"{name} {version} dies with numpy 2"] if wheels.numpy else []
    if old_numpy:
        reasons.append(f"so does {camera}" if reasons else f"{camera}, breaks with numpy 2")
    if target.machine == "armv7l":
        line = f"apt install python3-numpy python3-pil; {line} in a venv with --system-site-packages"
        reasons.insert(0, "PyPI has no numpy and Pillow for armv7l")
    elif wheels.numpy or old_numpy:
        line += " 'numpy<2'"
    return line + (f"  # {'; '.join(reasons)}" if reasons else "")
