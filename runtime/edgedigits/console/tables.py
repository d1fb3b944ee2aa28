"""Tables of text that read without colour."""

from __future__ import annotations

from collections.abc import Sequence

from edgedigits.console.columns import columns
from edgedigits.printable import printable


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows under a head: columns of text are aligned to the left, columns of numbers to the right."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(columns(row[i]) for row in cells) for i in range(len(head))]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(head))]

    def line(row: list[str]) -> str:
        return "  ".join(map(_padded, row, widths, right)).rstrip()

    return "\n".join([line(cells[0]), "  ".join("-" * width for width in widths), *map(line, cells[1:])])


def _padded(cell: str, width: int, right: bool) -> str:  # noqa: FBT001  an element of a list
    blank = " " * (width - columns(cell))
    return blank + cell if right else cell + blank


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in {"-", "+", ""} or text == "–"
