"""What an engine makes of a lone file: its inputs and outputs. A process of its own loads it, since it may crash."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from edgedigits.engines.registry import load_engine
from edgedigits.isolation import report_to_parent, run_isolated
from edgedigits.manifest import TensorInfo
from edgedigits.model import lone_model
from edgedigits.records import from_plain, to_plain


class LoadedFile(NamedTuple):
    """A file as an engine has loaded it.

    Attributes
    ----------
    engine, version: the engine and its release.
    inputs, outputs: as the file defines them, in its order.

    """

    engine: str
    version: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def inspect_isolated(path: Path, engine: str) -> LoadedFile:
    """Load the file at ``path`` in a fresh process and return what the engine says about it.

    Raises
    ------
    EdgeDigitsError: an error of the process, of the same class there and here (see `run_isolated`).

    """
    return from_plain(LoadedFile, run_isolated(__name__, [str(path), engine], f"{path.name}: {engine}"), engine)


def _inspect_in_this_process(path: str, engine: str) -> dict[str, Any]:
    loaded = load_engine(engine, lone_model(Path(path)))
    found: dict[str, Any] = to_plain(LoadedFile(loaded.name, loaded.version, loaded.inputs, loaded.outputs))
    return found


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _inspect_in_this_process(*sys.argv[1:])))
