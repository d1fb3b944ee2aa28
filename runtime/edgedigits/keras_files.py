"""Recognising Keras models, which no engine here runs, to say that they have to be exported first."""

from __future__ import annotations

import shlex
from pathlib import Path

_SUFFIXES = {".keras", ".h5", ".hdf5"}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SAVED_MODEL = "saved_model.pb"


def export_first(path: Path) -> str | None:
    """Return what is there and what to do where ``path`` is a Keras file or a SavedModel folder, else None."""
    if (path / _SAVED_MODEL).is_file():
        found = "a SavedModel folder"
    elif path.is_file() and (path.suffix.lower() in _SUFFIXES or _is_hdf5(path)):
        found = "a Keras file"
    else:
        return None
    return f"{found}; export it first: edgedigits export {shlex.quote(str(path))} --calibration DATA -o BUNDLE"


def _is_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_HDF5)) == _HDF5
    except OSError:  # is told where the file is needed
        return False
