"""Run one model file in one engine over many images, in a process of its own.

Running and comparing are apart: what comes back is plain arrays.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines import load_engine
from edgedigits.isolation import report_to_parent, run_isolated
from edgedigits.manifest import TensorInfo
from edgedigits.model import lone_model
from edgedigits.records import from_plain, to_plain
from edgedigits.tensors import to_model_input, to_probabilities


@dataclass(frozen=True, slots=True)
class Inferences:
    """What one engine answered.

    Attributes
    ----------
    image, output: the file's input and output as the engine has them.
    probabilities: float32 ``[N, classes]``.

    """

    engine: str
    version: str
    image: TensorInfo
    output: TensorInfo
    probabilities: NDArray[np.float32]


def infer_isolated(path: Path, engine: str, images: NDArray[np.uint8], num_threads: int = 1) -> Inferences:
    """Answer ``images``, uint8 ``[N, H, W, C]``, with the file at ``path`` in a fresh process.

    Raises
    ------
    EdgeDigitsError: what the process met, of the same class (see `run_isolated`).

    """
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        given, taken = Path(folder, "images.npy"), Path(folder, "answers.npy")
        np.save(given, images)
        arguments = [str(path), engine, str(given), str(taken), str(num_threads)]
        told = run_isolated(__name__, arguments, f"{path.name}: {engine}")
        image, output = (from_plain(TensorInfo, told[key], engine) for key in ("image", "output"))
        return Inferences(engine, told["version"], image, output, np.load(taken))


def _answer(path: str, engine: str, given: str, taken: str, num_threads: str) -> dict[str, Any]:
    """The process's own side."""
    loaded = load_engine(engine, lone_model(Path(path)), int(num_threads))
    values = loaded.run(to_model_input(np.load(given), loaded.image))
    np.save(taken, to_probabilities(values, loaded.probabilities))
    return {"version": loaded.version, "image": to_plain(loaded.image), "output": to_plain(loaded.probabilities)}


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _answer(*sys.argv[1:])))
