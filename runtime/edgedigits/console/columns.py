"""How many columns of a terminal a text takes."""

from __future__ import annotations

_WIDE = {"W", "F"}  # UAX 11: these letters take two columns
_WITHOUT_WIDTH = {"Mn", "Me", "Cf"}  # marks above and below other letters, joiners


def columns(text: str) -> int:
    """Return how many columns a line takes.

    >>> columns("größe"), columns("数字")
    (5, 4)
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, limit: int) -> str:
    """Return a line shortened to so many columns, with ``…`` where something is missing.

    >>> cut("数字-int8.tflite", 6)
    '数字-…'
    """
    if columns(text) <= limit:
        return text
    taken, kept = 0, []
    for letter in text:
        taken += _columns(letter)
        if taken >= limit:  # one column is for the dots
            break
        kept.append(letter)
    return "".join(kept) + "…"


def _columns(letter: str) -> int:
    from unicodedata import category, east_asian_width  # a library of its own, which most commands never load

    if category(letter) in _WITHOUT_WIDTH:
        return 0
    return 2 if east_asian_width(letter) in _WIDE else 1
