"""Run one model file in one engine over many images, in a process of its own.

Nothing is compared here: the result is plain arrays, which `edgedigits.verification.compare` takes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines import load_engine
from edgedigits.isolation import report_to_parent, run_isolated, tell_parent
from edgedigits.manifest import TensorInfo
from edgedigits.model import lone_model
from edgedigits.parts import Progress, in_parts, silent
from edgedigits.records import from_plain, to_plain
from edgedigits.scratch import ScratchFolder
from edgedigits.tensors import image_and_scores, pixel_inference
from edgedigits.wrapping import Wrapping

_PART = 100  # images between two looks at the clock; a multiple of those that onnxruntime takes at once


@dataclass(frozen=True, slots=True)
class Inferences:
    """The outputs of one model file in one engine.

    Attributes
    ----------
    engine, version: the engine and its release.
    image, output: the input and output tensors of the file as the engine reports them.
    probabilities: float32 ``[N, classes]``.

    """

    engine: str
    version: str
    image: TensorInfo
    output: TensorInfo
    probabilities: NDArray[np.float32]


def infer_isolated(
    path: Path,
    engine: str,
    images: NDArray[np.uint8],
    num_threads: int = 1,
    *,
    wrapping: Wrapping | None = None,
    progress: Progress = silent,
) -> Inferences:
    """Run the file at ``path`` over ``images``, uint8 ``[N, H, W, C]``, in a fresh process.

    ``wrapping`` is what has to be done around a finished file. Where it takes long, ``progress`` is told how many
    images are done.

    Raises
    ------
    EdgeDigitsError: an error of the process, of the same class there and here (see `run_isolated`).

    """
    with ScratchFolder() as folder:
        images_path, outputs_path = Path(folder, "images.npy"), Path(folder, "outputs.npy")
        np.save(images_path, images)
        around = json.dumps(to_plain(wrapping) if wrapping else None)
        arguments = [str(path), engine, str(images_path), str(outputs_path), str(num_threads), around]
        reply = run_isolated(__name__, arguments, f"{path.name}: {engine}", progress)
        image, output = (from_plain(TensorInfo, reply[key], engine) for key in ("image", "output"))
        return Inferences(engine, reply["version"], image, output, np.load(outputs_path))


def _infer_in_this_process(
    path: str, engine: str, images_path: str, outputs_path: str, num_threads: str, around: str
) -> dict[str, Any]:
    """Run the file over the images at ``images_path`` and write the probabilities to ``outputs_path``."""
    loaded = load_engine(engine, lone_model(Path(path)), int(num_threads))
    told = json.loads(around)
    infer = pixel_inference(loaded, told and from_plain(Wrapping, told, "wrapping"))
    images = np.load(images_path, mmap_mode="r")
    parts = [infer(part) for part in in_parts(images, _PART, tell_parent)]
    np.save(outputs_path, np.concatenate(parts) if parts else infer(images))
    image, output = image_and_scores(loaded)
    return {"version": loaded.version, "image": to_plain(image), "output": to_plain(output)}


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _infer_in_this_process(*sys.argv[1:])))
