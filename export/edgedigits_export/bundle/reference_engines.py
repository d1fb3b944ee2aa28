"""Run golden inputs in every engine on the host: each rounds in its own way, and a board may have any of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import expected_key
from edgedigits.engines import installed_engines
from edgedigits.errors import EdgeDigitsError
from edgedigits.manifest import Format, Precision, ReferenceEngine, Task
from edgedigits.verification.golden import tolerance_of
from edgedigits.verification.inference import Inferences, infer_isolated

# The outputs of each reference engine for the golden inputs, float32 [K, classes].
GoldenOutputs = dict[ReferenceEngine, NDArray[np.float32]]


def run_reference_engines(
    path: Path, precision: Precision, format_: Format, first: Inferences, images: NDArray[np.uint8], task: Task
) -> GoldenOutputs:
    """Run a model file on the golden ``images``, uint8 ``[K, H, W, C]``, in every installed engine that reads it.

    ``first`` holds the outputs for these images of the engine that parity is judged on. Another engine that refuses the
    file, or whose outputs differ by more than rounding, is no reference engine.
    """
    found = {_reference_engine(first): first.probabilities}
    tolerance = tolerance_of(task, precision)
    for engine in installed_engines(format_):
        if engine == first.engine:
            continue
        try:
            run = infer_isolated(path, engine, images)
        except EdgeDigitsError:
            continue
        difference = np.abs(run.probabilities - first.probabilities)
        if difference.max() <= tolerance.largest and difference.mean() <= tolerance.mean:
            found[_reference_engine(run)] = run.probabilities
    return found


def _reference_engine(run: Inferences) -> ReferenceEngine:
    return ReferenceEngine(run.engine, run.version)


def number_engines(
    golden: Mapping[str, GoldenOutputs],
) -> tuple[tuple[ReferenceEngine, ...], dict[str, NDArray[np.float32]]]:
    """Return the reference engines of all files, by file name, and their outputs by key of golden.npz."""
    engines = tuple(dict.fromkeys(engine for outputs in golden.values() for engine in outputs))
    return engines, {
        expected_key(engines.index(engine), path): values
        for path, outputs in golden.items()
        for engine, values in outputs.items()
    }
