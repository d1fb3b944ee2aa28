"""Make the zoo: models in many forms, real digits, and the outputs of the Keras originals.

`python -m benchmarks.compat.zoo FOLDER NET …` writes ``models.json`` (net, how it was made, file, sha256), the files,
and for each net ``<net>-images.npy`` uint8 ``[32, H, W, C]`` and ``<net>-keras.npy`` float32 ``[32, 10]``. The same
versions give the same files. Needs the training and export packages, MNIST, and uv for the quantizer's own Python.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.compat.nets import TRAINING_DIGITS, images_of, train
from benchmarks.compat.onnx_files import onnx_files
from benchmarks.compat.releases import QUANTIZER, RECIPES, release_venv
from benchmarks.compat.tflite_files import OWN, tflite_files
from benchmarks.harness.benchmark import progress
from edgedigits.datasets import load_mnist
from edgedigits_export.lazy_imports import load
from edgedigits_train.training.backend import set_up

IMAGES = 32
CALIBRATION = 100
QUANTIZED = (*OWN, "separable", "excited", "transposed", "attentive")
Row = dict[str, str]


def make_zoo(folder: Path, nets: Sequence[str]) -> None:
    """Fill the folder; ``models.json`` comes last, so that a zoo with it is complete."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    set_up(threads=2)
    digits, _ = load_mnist()
    rows = [row for name in nets for row in _of_net(folder, name, digits.images, digits.labels)]
    rows = _without_twins(folder, [*rows, *_by_recipes(folder, [name for name in QUANTIZED if name in nets])])
    packages = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime")
    made_by = {**{name: version(name) for name in packages}, QUANTIZER.package: QUANTIZER.version}
    made = {"seconds": round(time.monotonic() - started), "versions": made_by, "models": rows}
    (folder / "models.json").write_text(json.dumps(made, indent=1))


def _of_net(folder: Path, name: str, digits: NDArray[np.uint8], labels: NDArray[np.int64]) -> Iterator[Row]:
    progress(f"zoo: {name}")
    model = train(name, digits, labels)
    # Training digits that it has not been trained with.
    start = TRAINING_DIGITS
    images = images_of(name, digits[start : start + IMAGES])
    calibration = images_of(name, digits[start + IMAGES : start + IMAGES + CALIBRATION])
    np.save(folder / f"{name}-images.npy", images)
    np.save(folder / f"{name}-keras.npy", model.predict(images.astype(np.float32), verbose=0))
    np.save(folder / f"{name}-calibration.npy", calibration)
    for suffix, files in (
        ("tflite", tflite_files(name, model, calibration)),
        ("onnx", onnx_files(name, model, calibration)),
    ):
        for how, data in files:
            file = f"{name}--{how.replace(' ', '-')}.{suffix}"
            (folder / file).write_bytes(data)
            yield {"net": name, "how": how, "file": file}
    load("keras").backend.clear_session()


def _by_recipes(folder: Path, nets: Sequence[str]) -> Iterator[Row]:
    """Quantize the float32 files by Google's stand-alone quantizer."""
    progress(f"zoo: {QUANTIZER}")
    python = release_venv(QUANTIZER, folder.parent / "venvs")
    if python is None:
        raise SystemExit(f"{QUANTIZER} needs Python {' or '.join(QUANTIZER.pythons)}, not found on this machine")
    out = folder / QUANTIZER.package
    out.mkdir(exist_ok=True)
    script = Path(__file__).with_name("quantizer_recipes.py")
    with open(folder / "recipes.log", "w", encoding="utf-8") as log:
        for name in nets:  # only a file with a free batch has the signature that the quantizer requires
            given = (folder / f"{name}--tf-float32-free-batch.tflite", folder / f"{name}-calibration.npy")
            words = (script, *given, out / f"{name}--{{}}.tflite", *RECIPES)
            subprocess.run([python, *map(str, words)], check=True, stdout=log, stderr=log)
    for file in sorted(out.glob("*.tflite")):
        name, recipe = file.stem.split("--")
        yield {"net": name, "how": f"{QUANTIZER.package} {recipe}", "file": f"{QUANTIZER.package}/{file.name}"}


def _without_twins(folder: Path, rows: list[Row]) -> list[Row]:
    """Leave out files that are equal to another byte for byte."""
    seen: dict[str, Row] = {}
    for row in rows:
        sha256 = hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest()
        seen.setdefault(sha256, {**row, "sha256": sha256})
    return list(seen.values())


if __name__ == "__main__":
    make_zoo(Path(sys.argv[1]), sys.argv[2:])
