"""Read the small text files in which Linux describes itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

# Returns the text of a file by its absolute path, or None where the file cannot be read.
ReadFile = Callable[[str], str | None]


def read_text(path: str) -> str | None:
    """Return the text of a file, with bytes that are not UTF-8 replaced; None where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def find_field(text: str | None, name: str, separator: str = ":") -> str | None:
    """Return the value in the first line ``name: value``, or None."""
    for line in (text or "").splitlines():
        key, separated, value = line.partition(separator)
        if separated and key.strip() == name:
            return value.strip() or None
    return None


def leading_integer(text: str | None) -> int | None:
    """Return the integer with which a text begins, or None."""
    match = re.match(r"\s*(-?[0-9]{1,15})(?![0-9])", text or "")
    return int(match[1]) if match else None
