"""Text for a terminal: what would steer it, in the name of a file or in a manifest of others, is shown escaped."""

from __future__ import annotations

# C0 and C1 control characters, line ends of Unicode, and what turns the direction of writing round.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in _CONTROLS}
_LINES = {code: escape for code, escape in _ESCAPES.items() if chr(code) not in "\n\t"}


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return text with its control characters escaped as in ``\x1b``; ``lines`` keeps line ends and tabs.

    >>> print(printable("a\x1b[31m\nb"))
    a\x1b[31m\nb
    """
    return text if text.isascii() and text.isprintable() else text.translate(_LINES if lines else _ESCAPES)
