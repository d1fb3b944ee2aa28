"""The last words of a command that judges: whether all passed, what did not, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

_NAMED = 3
# What is worst comes last, where it is seen.
_OUTCOMES = ("undecided", "error", "failed")


def verdict(outcomes: Mapping[str, str], passed: str) -> str:
    """Return one line for each outcome other than passed, or ``all passed: `` and what that means.

    >>> print(verdict({"a": "passed", "b": "failed"}, "as recorded"))
    FAILED: 1 of 2: b
    """
    if not set(outcomes.values()) - {"passed"}:
        return f"all passed: {passed}"
    lines = []
    for outcome in _OUTCOMES:
        if names := [name for name, found in outcomes.items() if found == outcome]:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            lines.append(f"{outcome.upper()}: {len(names)} of {len(outcomes)}: {', '.join(names[:_NAMED])}{more}")
    return "\n".join(lines)


def reasons_by_name(reasons: Iterable[tuple[str, str]]) -> list[str]:
    """Return one line for each reason, behind the names of all for which it holds; names without one are left out.

    >>> reasons_by_name([("a", "too few images"), ("b", ""), ("c", "too few images")])
    ['a, c: too few images']
    """
    names: dict[str, list[str]] = {}
    for name, reason in reasons:
        names.setdefault(reason, []).append(name)
    return [f"{', '.join(each)}: {reason}" for reason, each in names.items() if reason]


def next_step(*words: object) -> str:
    """Return a line with the command that comes next.

    >>> print(next_step("edgedigits", "bench", "my bundle"))
    next: edgedigits bench 'my bundle'
    """
    return f"next: {shlex.join(map(str, words))}"


def last_lines(outcomes: Mapping[str, str], passed: str, then: str, needed: Iterable[int | None]) -> list[str]:
    """Return the verdict and what to do next: ``then`` where all passed, more images where only these are missing.

    ``needed`` has the number of images that would decide each of those undecided; None where none would.

    >>> last_lines({"a": "passed", "b": "undecided"}, "", "", [1_200])
    ['UNDECIDED: 1 of 2: b', 'next: give about 1,200 labelled images']
    """
    said, found = verdict(outcomes, passed), set(outcomes.values())
    if found <= {"passed"}:
        return [said, then]
    known = list(needed)
    if found <= {"passed", "undecided"} and None not in known:
        return [said, f"next: give about {max(filter(None, known)):,} labelled images"]
    return [said]
