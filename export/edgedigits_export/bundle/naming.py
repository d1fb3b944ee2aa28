"""The name of a model in its bundle, with which the names of its files begin."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

from edgedigits.errors import UsageError
from edgedigits.records import FILE_NAME

# Of a file name's 255 bytes; the longest ending, -dynamic-int8.tflite, takes 20.
_BYTES = 200


def default_name(model: Path, training: dict[str, Any] | None) -> str:
    """Return a model's name as its training record has it, or as its file or folder has it.

    Letters and digits of all scripts stay; each run of other characters becomes one dash.
    """
    recorded = (training or {}).get("config", {}).get("model")
    stem = str(recorded or (model.resolve().parent.name if model.stem == "model" else model.stem))
    # Some systems keep an umlaut as two characters, of which the second is no letter.
    whole = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", stem)).strip("-")
    return whole.encode()[:_BYTES].decode(errors="ignore").rstrip("-") or "model"


def require_name(name: str) -> None:
    """Refuse a name with which no file's name can begin.

    Raises
    ------
    UsageError: it has a separator, a space or a control character, begins with a dot or a dash, or is too long.

    """
    if not re.fullmatch(FILE_NAME, name) or len(name.encode()) > _BYTES:
        raise UsageError(
            f"--name: expected at most {_BYTES} bytes of letters, digits, _, - and ., the first of them no - or ., "
            f"found {name!r}"
        )
