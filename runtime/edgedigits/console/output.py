"""Where a command's result goes: to the terminal as text or as JSON, and to a file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from edgedigits.console.progress import clear_progress
from edgedigits.files import refuse_existing, write_atomic
from edgedigits.printable import printable


class Output(NamedTuple):
    """What the options ``--json``, ``-o FILE`` and ``--overwrite`` ask for.

    Attributes
    ----------
    json: print JSON and nothing else.
    file: also store the JSON in this file; None for no file.
    overwrite: replace the file if it exists.

    """

    json: bool
    file: Path | None
    overwrite: bool

    def refuse_existing(self) -> None:
        """Refuse to replace a file, before the work starts.

        Raises
        ------
        OutputError: the file exists and ``overwrite`` is False.

        """
        if self.file is not None:
            refuse_existing(self.file, overwrite=self.overwrite)

    def give(self, result: dict[str, Any], text: str) -> None:
        """Print a result, as JSON or as ``text``, and store it where asked.

        Raises
        ------
        OutputError: the file cannot be written.

        """
        plain = _without_nan(result)
        if self.file is not None:
            write_atomic(self.file, (json.dumps(plain, indent=1) + "\n").encode())
        clear_progress()
        print(json.dumps(plain) if self.json else printable(text, lines=True))


def _without_nan(value: Any) -> Any:
    """Write null for NaN and infinity, which JSON does not have, so that every reader accepts the file."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
