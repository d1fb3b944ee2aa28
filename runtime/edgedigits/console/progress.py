"""What a command says on standard error while it works.

On a terminal, progress is one live line, which the next one replaces and `clear_progress` erases. In a log, where no
line can be replaced, it is a line for each step. What `note` says stays in both.
"""

from __future__ import annotations

import os
import sys

from edgedigits.console.columns import cut
from edgedigits.printable import printable

_USUAL_WIDTH = 80
_ERASE = "\r\033[K"
# Only a line that was written may be erased: what a shell or another program wrote in it stays.
_live_line = False
_last_step: str | None = None


def progress(step: str, detail: str = "") -> None:
    """Tell what is being done, and how far it is; ``detail`` is for a live line alone, and a log has each step once."""
    global _live_line, _last_step  # noqa: PLW0603  there is one standard error
    if is_live():
        _live_line = True
        line = printable(f"{step}: {detail}" if detail else step)
        print(f"{_ERASE}{cut(line, _width() - 1)}", end="", file=sys.stderr, flush=True)
    elif not detail or step != _last_step:
        print(printable(step, lines=True), file=sys.stderr, flush=True)
    _last_step = step


def note(text: str) -> None:
    """Print a line that stays, such as a warning."""
    clear_progress()
    print(printable(text, lines=True), file=sys.stderr, flush=True)


def clear_progress() -> None:
    """Erase the live line, if there is one: before results and errors, and at the end."""
    global _live_line  # noqa: PLW0603
    if _live_line:
        _live_line = False
        print(_ERASE, end="", file=sys.stderr, flush=True)


def is_live() -> bool:
    """Return whether standard error is a terminal that can erase a line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):  # no descriptor behind it
        return _USUAL_WIDTH
