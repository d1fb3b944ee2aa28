"""What `export --overwrite` may replace: a bundle, and nothing that somebody put in its place or beside its files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgedigits.errors import OutputError
from edgedigits.files import refuse_existing
from edgedigits.json_text import parse_json

_MANIFEST = "manifest.json"


def refuse_to_replace(path: Path, *, overwrite: bool) -> None:
    """Refuse a place for a new bundle where something would be lost.

    Raises
    ------
    OutputError: something is there and ``overwrite`` is not set; or it is no folder, or a folder with anything in it
        that its manifest, of whatever schema, does not name.

    """
    refuse_existing(path, overwrite=overwrite)
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise OutputError(f"{path}: --overwrite replaces bundles, found a file; choose another path")
    if others := sorted({entry.name for entry in path.iterdir()} - _written(path)):
        raise OutputError(
            f"{path}: --overwrite replaces bundles, and {others[0]} in this folder is not part of one; "
            "choose another path"
        )


def _written(folder: Path) -> set[str]:
    try:
        manifest = parse_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {_MANIFEST}
    return {_MANIFEST, *_paths(manifest)}


def _paths(value: Any) -> Iterator[str]:
    """Yield the strings called ``path`` anywhere in a JSON value."""
    match value:
        case dict():
            yield from (one for name, one in value.items() if name == "path" and isinstance(one, str))
            for one in value.values():
                yield from _paths(one)
        case list():
            for one in value:
                yield from _paths(one)
