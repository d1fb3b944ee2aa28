"""Tables in Markdown, and the phrases below them that say what was measured with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_RULES = {"l": "---", "r": "---:"}


def markdown_table(head: Sequence[str], align: str, rows: Iterable[Sequence[object]], *notes: str) -> str:
    """Return a table, and below it a paragraph for each of ``notes``.

    ``align`` has a letter a column, ``l`` for left and ``r`` for right; the last one holds for all further columns.
    """
    rules = [_RULES[letter] for letter in align.ljust(len(head), align[-1])]
    lines = [_line(head), f"|{'|'.join(rules)}|", *map(_line, rows)]
    for note in notes:
        lines += ["", note]
    return "\n".join(lines)


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def machine_phrase(machine: Mapping[str, Any]) -> str:
    """Return the board or processor, its cores and the Python that measured."""
    return f"{machine['board'] or machine['cpu']}, {machine['cores']} cores, Python {machine['python']}"


def versions_phrase(versions: Mapping[str, str]) -> str:
    """Return names with their versions."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
