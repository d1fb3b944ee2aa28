"""Lines about work in progress, which go to standard error."""

from __future__ import annotations

import sys

from edgedigits.printable import printable


def progress(text: str) -> None:
    """Print one line about work in progress."""
    print(printable(text, lines=True), file=sys.stderr)
