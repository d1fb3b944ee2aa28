"""Ask every engine on the desk for golden answers: each rounds in its own way, and a board may have any of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import expected_key
from edgedigits.engines import installed_engines
from edgedigits.errors import EdgeDigitsError
from edgedigits.manifest import Format, ReferenceEngine
from edgedigits.verification.golden import TOLERANCE
from edgedigits.verification.inference import Inferences, infer_isolated

Golden = dict[ReferenceEngine, NDArray[np.float32]]


def run_reference_engines(
    path: Path, precision: str, format_: Format, first: Inferences, images: NDArray[np.uint8]
) -> Golden:
    """Answers to the golden ``images``, uint8 ``[K, H, W, C]``, by every installed engine that reads the file.

    ``first`` is what parity judges, its answers to the golden images alone. Another engine that refuses the file, or
    is off by more than rounding, is no witness.
    """
    found = {_witness(first): first.probabilities}
    tolerance, _ = TOLERANCE[precision]
    for engine in installed_engines(format_):
        if engine == first.engine:
            continue
        try:
            answers = infer_isolated(path, engine, images)
        except EdgeDigitsError:
            continue
        difference = np.abs(answers.probabilities - first.probabilities)
        if difference.max() <= tolerance.largest and difference.mean() <= tolerance.mean:
            found[_witness(answers)] = answers.probabilities
    return found


def _witness(answers: Inferences) -> ReferenceEngine:
    return ReferenceEngine(answers.engine, answers.version)


def arrange(golden: dict[str, Golden]) -> tuple[tuple[ReferenceEngine, ...], dict[str, NDArray[np.float32]]]:
    """All witnesses of all files, and their answers by key of golden.npz."""
    witnesses = tuple(dict.fromkeys(witness for answers in golden.values() for witness in answers))
    return witnesses, {
        expected_key(witnesses.index(witness), path): values
        for path, answers in golden.items()
        for witness, values in answers.items()
    }
