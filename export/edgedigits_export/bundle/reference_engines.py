"""Run golden inputs in every engine on the host: each rounds in its own way, and a board may have any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import expected_key
from edgedigits.engines import installed_engines
from edgedigits.errors import EdgeDigitsError
from edgedigits.manifest import Format, ReferenceEngine, Tolerance
from edgedigits.verification.inference import Inferences

# The outputs of each reference engine for the golden inputs, float32 [K, classes].
GoldenOutputs = dict[ReferenceEngine, NDArray[np.float32]]


def run_reference_engines(
    first: Inferences, format_: Format, tolerance: Tolerance, ask: Callable[[str], Inferences]
) -> tuple[GoldenOutputs, tuple[str, ...]]:
    """Run a model file on the golden inputs in every installed engine that reads it: ``ask`` does, of an engine's name.

    ``first`` holds the outputs of the engine that parity is judged on. Another engine that refuses the file is no
    reference engine, nor is one whose outputs differ by more than rounding; that is told in the second value.
    """
    found, differing = {_reference_engine(first): first.probabilities}, []
    for engine in installed_engines(format_):
        if engine == first.engine:
            continue
        try:
            run = ask(engine)
        except EdgeDigitsError:
            continue
        difference = np.abs(run.probabilities - first.probabilities)
        if difference.max() <= tolerance.largest and difference.mean() <= tolerance.mean:
            found[_reference_engine(run)] = run.probabilities
        else:
            differing.append(
                f"{engine} {run.version} answers otherwise than {first.engine} {first.version}: golden outputs differ "
                f"by up to {difference.max():.2g}, {difference.mean():.2g} on average, where rounding explains "
                f"{tolerance.largest:g} and {tolerance.mean:.2g}; selftest fails there"
            )
    return found, tuple(differing)


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
