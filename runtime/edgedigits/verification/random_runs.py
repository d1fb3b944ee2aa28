"""Run a lone file in an engine on random inputs, in a process of its own: what comes out, whatever it stands for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines import engine_version, load_engine
from edgedigits.engines.refusal import refusal
from edgedigits.errors import EdgeDigitsError
from edgedigits.input_shapes import InputShape, refuse_unknown_names, resolve_shapes
from edgedigits.isolation import report_to_parent, run_isolated
from edgedigits.manifest import TensorInfo
from edgedigits.model import lone_model
from edgedigits.random_inputs import random_inputs, require_numbers
from edgedigits.records import from_plain, to_plain
from edgedigits.rlimits import limit_resources, memory_for
from edgedigits.scratch import ScratchFolder
from edgedigits.tensors import follows_contract


class RandomRun(NamedTuple):
    """A file in an engine, with random inputs of these shapes.

    Attributes
    ----------
    outputs: the tensors that the file gives, in its order; what is no tensor of numbers is left out.

    """

    engine: str
    version: str
    shapes: tuple[InputShape, ...]
    outputs: tuple[TensorInfo, ...]


_SECONDS = 300  # of the processor, for a file that never ends
# Of each output its value for each seed.
Values = list[list[NDArray[Any]]]


def run_on_random_inputs(
    path: Path, engine: str, asked: Mapping[str, tuple[int, ...]], seeds: int, num_threads: int = 1
) -> tuple[RandomRun, Values]:
    """Run the file at ``path`` in a fresh process; ``asked`` has the shapes of inputs with free dimensions.

    Raises
    ------
    EdgeDigitsError: an error of the process, of the same class there and here (see `run_isolated`).

    """
    with ScratchFolder() as folder:
        stored = Path(folder, "outputs.npz")
        arguments = [str(path), engine, json.dumps(asked), str(seeds), str(num_threads), str(stored)]
        run = from_plain(RandomRun, run_isolated(__name__, arguments, f"{path.name}: {engine}"), engine)
        with np.load(stored) as arrays:
            return run, [[arrays[f"{at}/{seed}"] for seed in range(seeds)] for at in range(len(run.outputs))]


def _run_in_this_process(path: str, engine: str, asked: str, seeds: str, num_threads: str, stored: str) -> Any:
    model = lone_model(Path(path))
    engine_version(engine)  # imported first: the limit is the file's
    limit_resources(memory_for(len(model.data), int(num_threads)), CPU=_SECONDS)
    loaded = load_engine(engine, model, int(num_threads))
    file = Path(path).name
    require_numbers(loaded.inputs, file)
    wanted = {name: tuple(sizes) for name, sizes in json.loads(asked).items()}
    refuse_unknown_names(wanted, loaded.inputs)
    implied = 1 if follows_contract(loaded.inputs, loaded.outputs) else None
    shapes = resolve_shapes(file, loaded.inputs, wanted, implied)
    try:
        infer = loaded.prepare([one.shape for one in shapes])
        results = [infer(random_inputs(loaded.inputs, shapes, seed)) for seed in range(int(seeds))]
    except EdgeDigitsError:
        raise
    except Exception as error:  # engines raise their own types
        what = f"inputs {', '.join(map(str, shapes))}"
        raise refusal(engine, loaded.version, model, error, what) from error
    numbers = [at for at in range(len(loaded.outputs)) if all(_is_numbers(result[at]) for result in results)]
    arrays = {f"{n}/{seed}": result[at] for n, at in enumerate(numbers) for seed, result in enumerate(results)}
    np.savez(stored, **arrays)
    return to_plain(RandomRun(engine, loaded.version, shapes, tuple(loaded.outputs[at] for at in numbers)))


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc"


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _run_in_this_process(*sys.argv[1:])))
