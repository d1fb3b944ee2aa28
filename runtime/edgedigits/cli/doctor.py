"""The command `edgedigits doctor`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgedigits.console.options import add_output, output_of
from edgedigits.console.tables import table
from edgedigits.console.verdicts import next_step

if TYPE_CHECKING:
    from edgedigits.doctor.advice import Advice
    from edgedigits.doctor.examine import Component, Examination

_NOTHING_WORKS = 3
_ABSENT = "–"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Examine this machine and print what it has, what it lacks, and what to install."""
    output = output_of(args)
    output.refuse_existing()
    from edgedigits import __version__
    from edgedigits.doctor.advice import advise
    from edgedigits.doctor.examine import examine
    from edgedigits.doctor.probe import probe
    from edgedigits.records import to_plain
    from edgedigits.system_info.source import this_machine

    found = examine(this_machine(), probe)
    advice = advise(found, __version__)
    result = {"schema": "edgedigits/doctor/1", "edgedigits": __version__, **to_plain(found), "advice": to_plain(advice)}
    output.give(result, describe(found, advice))
    return 0 if advice.working else _NOTHING_WORKS


def describe(found: Examination, advice: Advice) -> str:
    """Return the text for people: facts, engines, warnings, and last what to do."""
    facts = _facts(found)
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value or _ABSENT}" for name, value in facts.items()]
    rows = [[engine.name, engine.version or _ABSENT, _works(engine)] for engine in found.engines]
    lines += ["", table(["engine", "version", "passes golden inputs"], rows), ""]
    # Lines are not wrapped, so that a command in a warning can be copied.
    notes = [f"error: {engine.error}" for engine in found.engines if engine.error]
    notes += [f"warning: {warning}" for warning in advice.warnings]
    return "\n".join([*lines, *notes, *([""] if notes else []), _last_words(advice)])


def _facts(found: Examination) -> dict[str, str | None]:
    system, python, health = found.system, found.python, found.health
    kernel = "" if system.kernel_bits is None else f", {system.kernel_bits}-bit"
    memory = None if health.memory_mb is None else f"{health.memory_mb} MB"
    free = "" if health.memory_free_mb is None else f", {health.memory_free_mb} MB free"
    throttling = None if health.throttling is None else ", ".join(health.throttling) or "none"
    return {
        "board": found.board,
        "processor": f"{found.processor.name or _ABSENT}, {_count(found.processor.cores, 'core')}",
        "instructions": _features(found.processor.features),
        "system": f"{system.name or system.platform}, {system.bits}-bit",
        "kernel": f"{system.kernel} {system.machine}{kernel}",
        "C library": system.libc,
        "Python": f"{python.version}, {_environment(found)}",
        "memory": memory and memory + free,
        "swap": None if health.swap_mb is None else f"{health.swap_mb} MB",
        "governor": health.governor,
        "temperature": None if health.temperature_c is None else f"{health.temperature_c:.1f} °C",
        "throttling": throttling,
        "numpy": _package(found.numpy),
        "Pillow": _package(found.pillow),
    }


def _features(features: dict[str, bool] | None) -> str | None:
    if features is None:
        return None
    return ", ".join(name if there else f"no {name}" for name, there in features.items())


def _environment(found: Examination) -> str:
    if found.python.venv:
        sees = "sees" if found.python.system_site_packages else "does not see"
        return f"in a virtual environment that {sees} the system's packages"
    if found.python.externally_managed:
        return "no virtual environment; pip may not install outside one (PEP 668)"
    return "no virtual environment"


def _package(part: Component) -> str | None:
    if not part.installed:
        return None
    return f"{part.version or 'of unknown version'}{'' if part.works else f'; {part.error}'}"


def _works(engine: Component) -> str:
    if not engine.installed:
        return "not installed"
    return "yes" if engine.works else "NO"


def _last_words(advice: Advice) -> str:
    if advice.working:
        ready = f"Ready: {', '.join(advice.working)} work{'s' if len(advice.working) == 1 else ''} on this machine."
        return f"{ready}\n{next_step('edgedigits', 'selftest')}"
    if advice.reason is not None:
        return f"No engine can work on this machine: {advice.reason}."
    return "\n".join(["No engine works on this machine yet. This makes one work:", "", *advice.commands])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
