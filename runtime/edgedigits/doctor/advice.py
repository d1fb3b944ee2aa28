"""What to do so that an engine works on an examined machine, or why none can."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from edgedigits.doctor.blockers import ARM_32, obstacle, why_none
from edgedigits.doctor.examine import Examination, Part
from edgedigits.doctor.warnings import caveats
from edgedigits.doctor.wheels import NEWEST
from edgedigits.engines import ENGINES

# The folder that README makes its virtual environment in.
_VENV = "~/edgedigits"


@dataclass(frozen=True, slots=True)
class Advice:
    """The doctor's last words; exactly one of the first three is not empty.

    Attributes
    ----------
    working: the engines that work.
    commands: the lines for a shell after which one would.
    reason: why none can.
    warnings: what else may go wrong, and what to do about it.

    """

    working: tuple[str, ...]
    commands: tuple[str, ...]
    reason: str | None
    warnings: tuple[str, ...]


def advise(found: Examination, version: str) -> Advice:
    """Judge an examination; ``version`` is this package's, whose wheel a new environment needs, too."""
    warnings = caveats(found)
    if working := tuple(engine.name for engine in found.engines if engine.works):
        return Advice(working, (), None, warnings)
    possible = [one for one in found.engines if obstacle(found.system, found.python, NEWEST[one.name]) is None]
    if not possible:
        return Advice((), (), why_none(found.system, found.python), warnings)
    fresh = _needs_new_venv(found)
    hopeful = [engine for engine in possible if fresh or _may_yet_work(found, engine)]
    if not hopeful:
        return Advice((), (), _all_fail(found, possible[0]), warnings)
    # What is installed and only lacks its company needs the least; else the usual order of preference.
    engine = min(hopeful, key=lambda one: fresh or not one.installed)
    return Advice((), _new_venv(found, engine, version) if fresh else _into_this_python(found, engine), None, warnings)


def _may_yet_work(found: Examination, engine: Part) -> bool:
    """Whether it was not tried yet, or was tried beside a numpy or Pillow that it cannot work with."""
    alone = not (found.numpy.works and found.pillow.works)
    return not engine.installed or alone or _has_wrong_numpy(found, engine)


def _has_wrong_numpy(found: Examination, engine: Part) -> bool:
    return NEWEST[engine.name].numpy == "<2" and (found.numpy.major or 0) >= 2


def _all_fail(found: Examination, first: Part) -> str:
    again = shlex.join(["install", "--force-reinstall", ENGINES[first.name].distribution])
    return (
        "every engine that has wheels for it is installed and fails, as told above; "
        f"in case files are damaged, try {found.python.pip} {again}"
    )


def _needs_apt(found: Examination) -> bool:
    """Whether numpy or Pillow must come from the distribution: PyPI has neither for 32-bit ARM."""
    return found.system.wheels == ARM_32 and not (found.numpy.installed and found.pillow.installed)


def _needs_new_venv(found: Examination) -> bool:
    """Whether pip refuses to install here (PEP 668), or this environment hides the distribution's packages."""
    if found.python.venv:
        return _needs_apt(found) and not found.python.system_site_packages
    return found.python.externally_managed


def _apt(found: Examination) -> tuple[str, ...]:
    return ("sudo apt install python3-numpy python3-pil",) if _needs_apt(found) else ()


def _new_venv(found: Examination, engine: Part, version: str) -> tuple[str, ...]:
    """README's lines, with everything by its name."""
    arm_32 = found.system.wheels == ARM_32
    shared = "--system-site-packages " if arm_32 or found.apt_picamera2 else ""
    specs = [_numpy(found, engine), *([] if arm_32 else ["pillow"]), ENGINES[engine.name].distribution]
    return (
        *_apt(found),
        f"python3 -m venv {shared}{_VENV} && . {_VENV}/bin/activate",
        shlex.join(["pip", "install", *specs]),
        # All it needs is there by now; left to itself pip takes a 32-bit system on a 64-bit kernel for 64-bit, and
        # bookworm's own numpy and Pillow for too old (they passed the self-test on x86_64).
        f"pip install --no-deps ./edgedigits-{version}-py3-none-any.whl",
    )


def _into_this_python(found: Examination, engine: Part) -> tuple[str, ...]:
    """What is missing or broken, by pip or, on 32-bit ARM, by apt."""
    from_apt = [part for part in (found.numpy, found.pillow) if _needs_apt(found) and not part.installed]
    specs = []
    if _has_wrong_numpy(found, engine) or not (found.numpy.works or found.numpy in from_apt):
        specs.append(_numpy(found, engine))
    if not (found.pillow.works or found.pillow in from_apt):
        specs.append("pillow")
    if not engine.installed:
        specs.append(ENGINES[engine.name].distribution)
    # pip leaves alone what is installed, even if it is broken.
    again = ["--force-reinstall"] if False in {found.numpy.works, found.pillow.works} else []
    pip = (f"{found.python.pip} {shlex.join(['install', *again, *specs])}",) if specs else ()
    return (*_apt(found), *pip)


def _numpy(found: Examination, engine: Part) -> str:
    beside_camera = found.apt_picamera2 and found.system.codename == "bookworm"
    return "numpy<2" if beside_camera else f"numpy{NEWEST[engine.name].numpy}"
