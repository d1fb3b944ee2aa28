"""The small text files that Linux describes itself in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

# The text of a file by its absolute path, None where there is none.
Read = Callable[[str], str | None]


def read_text(path: str) -> str | None:
    """Read a system's file, whatever its bytes are."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def field(text: str | None, name: str, between: str = ":") -> str | None:
    """The value in the first line ``name: value``, or None."""
    for line in (text or "").splitlines():
        key, mark, value = line.partition(between)
        if mark and key.strip() == name:
            return value.strip() or None
    return None


def number(text: str | None) -> int | None:
    """The whole number that a text begins with, or None."""
    match = re.match(r"\s*(-?[0-9]{1,15})(?![0-9])", text or "")
    return int(match[1]) if match else None
