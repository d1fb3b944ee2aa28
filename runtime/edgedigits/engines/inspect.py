"""What an engine makes of a lone file: its inputs and outputs.

A process of its own loads it and runs it once, since a broken file may crash the engine or take all memory.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from edgedigits.engines.protocol import Engine
from edgedigits.engines.refusal import refusal
from edgedigits.engines.registry import engine_version, load_engine
from edgedigits.errors import UsageError
from edgedigits.input_shapes import resolve_shapes
from edgedigits.isolation import report_to_parent, run_isolated
from edgedigits.manifest import TensorInfo
from edgedigits.model import Model, lone_model
from edgedigits.random_inputs import random_inputs
from edgedigits.records import from_plain, to_plain
from edgedigits.rlimits import limit_resources, memory_for

_SECONDS = 60  # of the processor, for a file that never ends; a board loads large ones and runs them once in less
# Any value of these types is a valid one; integers of others may be lengths or axes that random ones do not fit.
_ANY_VALUE = {"uint8", "int8", "float16", "float32", "float64"}


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
    """Load the file at ``path`` in a fresh process, run it once, and return what the engine says about it.

    The run has random inputs; it is left out where the file leaves other dimensions open than the first, or has inputs
    that not every value fits.

    Raises
    ------
    EdgeDigitsError: an error of the process, of the same class there and here (see `run_isolated`).

    """
    return from_plain(LoadedFile, run_isolated(__name__, [str(path), engine], f"{path.name}: {engine}"), engine)


def _inspect_in_this_process(path: str, engine: str) -> dict[str, Any]:
    model = lone_model(Path(path))
    engine_version(engine)  # imported first: the limits are those of the file
    limit_resources(memory_for(len(model.data)), CPU=_SECONDS)
    loaded = load_engine(engine, model)
    _infer_once(loaded, model)
    found: dict[str, Any] = to_plain(LoadedFile(loaded.name, loaded.version, loaded.inputs, loaded.outputs))
    return found


def _infer_once(loaded: Engine, model: Model) -> None:
    if not {one.dtype for one in loaded.inputs} <= _ANY_VALUE:
        return
    try:
        shapes = resolve_shapes(model.name, loaded.inputs, {}, 1)
    except UsageError:
        return
    try:
        loaded.prepare([one.shape for one in shapes])(random_inputs(loaded.inputs, shapes))
    except Exception as error:  # engines raise their own types
        what = f"inputs {', '.join(map(str, shapes))}"
        raise refusal(loaded.name, loaded.version, model, error, what) from error


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _inspect_in_this_process(*sys.argv[1:])))
