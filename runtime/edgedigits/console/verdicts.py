"""The last words of a command that judges: whether all passed, what did not, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

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


def next_step(*words: object) -> str:
    """Return a line with the command that comes next.

    >>> print(next_step("edgedigits", "bench", "my bundle"))
    next: edgedigits bench 'my bundle'
    """
    return f"next: {shlex.join(map(str, words))}"
