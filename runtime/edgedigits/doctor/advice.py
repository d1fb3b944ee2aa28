"""Advise what to install so that an engine works on an examined machine, or explain why none can."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from edgedigits.doctor.blockers import ARM_32, explain_no_engine, find_blocker
from edgedigits.doctor.examine import Component, Examination
from edgedigits.doctor.warnings import find_warnings
from edgedigits.doctor.wheels import NEWEST
from edgedigits.engines import ENGINES

# The folder in which README creates its virtual environment.
_VENV = "~/edgedigits"


@dataclass(frozen=True, slots=True)
class Advice:
    """The advice for a machine; exactly one of ``working``, ``commands`` and ``reason`` is not empty.

    Attributes
    ----------
    working: the engines that work.
    commands: shell commands after which an engine should work.
    reason: why no engine can work.
    warnings: what else may fail, and what to do about it.

    """

    working: tuple[str, ...]
    commands: tuple[str, ...]
    reason: str | None
    warnings: tuple[str, ...]


def advise(examination: Examination, version: str) -> Advice:
    """Return the advice for an examined machine; ``version`` is this package's, whose wheel a new venv needs, too."""
    warnings, system, python = find_warnings(examination), examination.system, examination.python
    if working := tuple(engine.name for engine in examination.engines if engine.works):
        return Advice(working, (), None, warnings)
    possible = [engine for engine in examination.engines if find_blocker(system, python, NEWEST[engine.name]) is None]
    if not possible:
        return Advice((), (), explain_no_engine(system, python), warnings)
    new_venv = _needs_new_venv(examination)
    candidates = [engine for engine in possible if new_venv or _may_yet_work(examination, engine)]
    if not candidates:
        return Advice((), (), _explain_failures(examination, possible[0]), warnings)
    # An installed engine that only lacks numpy or Pillow needs the fewest packages; else the usual order decides.
    engine = min(candidates, key=lambda one: new_venv or not one.installed)
    commands = _new_venv(examination, engine, version) if new_venv else _into_this_python(examination, engine)
    return Advice((), commands, None, warnings)


def _may_yet_work(examination: Examination, engine: Component) -> bool:
    """Return whether an engine was not tried yet, or was tried with a numpy or Pillow with which it cannot work."""
    lacks_base = not (examination.numpy.works and examination.pillow.works)
    return not engine.installed or lacks_base or _has_wrong_numpy(examination, engine)


def _has_wrong_numpy(examination: Examination, engine: Component) -> bool:
    return NEWEST[engine.name].numpy == "<2" and (examination.numpy.major or 0) >= 2


def _explain_failures(examination: Examination, first: Component) -> str:
    reinstall = shlex.join(["install", "--force-reinstall", ENGINES[first.name].distribution])
    return (
        "every engine that has wheels for this machine is installed and fails (see the errors above); "
        f"if its files may be damaged, try {examination.python.pip} {reinstall}"
    )


def _needs_apt(examination: Examination) -> bool:
    """Return whether numpy or Pillow must come from the distribution, since PyPI has neither for 32-bit ARM."""
    base_installed = examination.numpy.installed and examination.pillow.installed
    return examination.system.wheels == ARM_32 and not base_installed


def _needs_new_venv(examination: Examination) -> bool:
    """Return whether pip refuses to install (PEP 668), or the active venv hides the distribution's packages."""
    if examination.python.venv:
        return _needs_apt(examination) and not examination.python.system_site_packages
    return examination.python.externally_managed


def _apt(examination: Examination) -> tuple[str, ...]:
    return ("sudo apt install python3-numpy python3-pil",) if _needs_apt(examination) else ()


def _new_venv(examination: Examination, engine: Component, version: str) -> tuple[str, ...]:
    """Return README's commands for a new virtual environment, with every package named."""
    arm_32 = examination.system.wheels == ARM_32
    shared = "--system-site-packages " if arm_32 or examination.apt_picamera2 else ""
    specs = [_numpy(examination, engine), *([] if arm_32 else ["pillow"]), ENGINES[engine.name].distribution]
    return (
        *_apt(examination),
        f"python3 -m venv {shared}{_VENV} && . {_VENV}/bin/activate",
        shlex.join(["pip", "install", *specs]),
        # By then all dependencies are installed. With dependencies, pip would treat a 32-bit system on a 64-bit kernel
        # as 64-bit, and find bookworm's own numpy and Pillow too old (they passed the self-test on x86_64).
        f"pip install --no-deps ./edgedigits-{version}-py3-none-any.whl",
    )


def _into_this_python(examination: Examination, engine: Component) -> tuple[str, ...]:
    """Return the commands that install what is missing or broken: by pip, or by apt on 32-bit ARM."""
    numpy, pillow = examination.numpy, examination.pillow
    from_apt = [component for component in (numpy, pillow) if _needs_apt(examination) and not component.installed]
    specs = []
    if _has_wrong_numpy(examination, engine) or not (numpy.works or numpy in from_apt):
        specs.append(_numpy(examination, engine))
    if not (pillow.works or pillow in from_apt):
        specs.append("pillow")
    if not engine.installed:
        specs.append(ENGINES[engine.name].distribution)
    # Without this option pip keeps an installed package even if it is broken.
    force = ["--force-reinstall"] if False in {numpy.works, pillow.works} else []
    pip = (f"{examination.python.pip} {shlex.join(['install', *force, *specs])}",) if specs else ()
    return (*_apt(examination), *pip)


def _numpy(examination: Examination, engine: Component) -> str:
    """Return the requirement for numpy; bookworm's picamera2 was built for numpy 1."""
    with_picamera2 = examination.apt_picamera2 and examination.system.codename == "bookworm"
    return "numpy<2" if with_picamera2 else f"numpy{NEWEST[engine.name].numpy}"
