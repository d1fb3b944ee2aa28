"""Lines about work in progress, which go to standard error."""

from __future__ import annotations

import sys


def progress(text: str) -> None:
    """Print one line about work in progress."""
    print(text, file=sys.stderr)
