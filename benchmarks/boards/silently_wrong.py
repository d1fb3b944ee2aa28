"""Make a bundle around a file that tflite-runtime 2.14 loads without an error and answers wrongly.

`python -m benchmarks.boards.silently_wrong MODEL.keras BUNDLE FOLDER`: FOLDER becomes a copy of BUNDLE, which was
exported from the model, with only its dynamic-int8 variant. The variant is made anew by the recipe `dynamic_wi8_afp32`
of Google's stand-alone quantizer, which gives Dense layers one scale per channel under an operator version that knows
only one scale per tensor.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness.venvs import made_venv
from edgedigits.bundle import Bundle
from edgedigits.files import cache_folder, folder_atomic
from edgedigits.manifest import Manifest, write_manifest
from edgedigits.records import from_plain, to_plain
from edgedigits_export.keras_model.calibrated import fold_temperature
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.lazy_imports import load, quiet

QUANTIZER = "litert-quantizer==0.11.0"
QUANTIZE = """
import sys
from litert_quantizer import quantizer, recipe
work = quantizer.Quantizer(sys.argv[1], recipe.dynamic_wi8_afp32())
open(sys.argv[2], "wb").write(work.quantize().quantized_model)
"""


def converted(keras: Path, temperature: float) -> bytes:
    """Convert to a float32 file that keeps the names of inner tensors, which the quantizer needs."""
    frozen = freeze(load_keras(keras))
    if temperature != 1:
        fold_temperature(frozen, temperature)
    function = frozen.concrete_function(1)
    with quiet():
        return bytes(load("tensorflow").lite.TFLiteConverter.from_concrete_functions([function]).convert())


def quantized(data: bytes) -> bytes:
    """Quantize a file by the recipe, whose package has an environment of its own."""
    python = made_venv(cache_folder() / "silently-wrong" / QUANTIZER, sys.executable, [QUANTIZER])
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        file, out = (Path(folder, name) for name in ("float32.tflite", "quantized.tflite"))
        file.write_bytes(data)
        subprocess.run([python, "-c", QUANTIZE, file, out], check=True, capture_output=True)
        return out.read_bytes()


def main(keras: str, original: str, target: str) -> None:
    """Write the bundle; everything in it but the one file is as it was."""
    bundle = Bundle.load(original)
    data = quantized(converted(Path(keras), bundle.manifest.confidence.temperature))
    wrong = bundle.pick("dynamic-int8", ["tflite"])
    values = to_plain(bundle.manifest)
    values["files"] = [file for file in values["files"] if file["path"] == wrong.path]
    values["files"][0].update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    with folder_atomic(Path(target), overwrite=True) as folder:
        for file in bundle.path.glob("*.npz"):
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / wrong.path).write_bytes(data)
        (folder / "manifest.json").write_bytes(write_manifest(from_plain(Manifest, values, "the bundle around it")))


if __name__ == "__main__":
    main(*sys.argv[1:])
