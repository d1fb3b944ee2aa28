"""The environments of peers and the model files that they run; both are made once and kept.

`python -m benchmarks.peers.peer_models KERAS OUT` exports a .keras file as float32 ONNX; TensorFlow is in that process.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.harness.child import ROOT
from benchmarks.harness.venvs import InstallError, installed_bytes, packages_venv, project_venv, site_packages
from benchmarks.peers.peer import EDGEDIGITS, KERAS, Peer
from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.files import write_atomic

REFERENCE = ROOT / "models" / "small.keras"
# Its wheel declares torch, which is for models of PyTorch; from ONNX it converts without.
PNNX = "pnnx==20261020"
_TUTORIAL = Path(__file__).parent / "workers" / "train_tutorial.py"


@dataclass(frozen=True, slots=True)
class PeerVenvs:
    """Venvs below ``folder``; with ``here`` none is made, and the Python that runs this serves all peers.

    What cannot be installed, or is not installed here, raises InstallError.
    """

    folder: Path
    here: bool = False

    def python(self, peer: Peer) -> str:
        """Return the Python that has a peer's packages."""
        if self.here:
            if find_spec(peer.imports) is None:
                raise InstallError(f"{peer.imports} is not installed here")
            return sys.executable
        if peer is EDGEDIGITS:
            return project_venv(self.folder, constrained=False)
        return packages_venv(self.folder, *peer.packages)

    def installed(self, peer: Peer) -> dict[str, Any] | None:
        """List what a peer's venv has, with its bytes beyond an empty one; None ``here``, where all is mixed."""
        if self.here:
            return None
        python, empty = self.python(peer), packages_venv(self.folder)
        packages = distributions(path=[str(site_packages(python))])
        return {
            "bytes": installed_bytes(python) - installed_bytes(empty),
            "packages": sorted((dist.name for dist in packages), key=str.lower),
        }

    def pnnx(self) -> Path:
        """Return the path of ncnn's converter."""
        return site_packages(packages_venv(self.folder, "--no-deps", PNNX)) / "pnnx" / "pnnx"


@dataclass(frozen=True, slots=True)
class PeerModels:
    """Model files by name; ``folder`` keeps those that are made here. What cannot be made raises InstallError."""

    folder: Path
    venvs: PeerVenvs
    bundle: Bundle
    training: Dataset

    def files(self, name: str) -> list[Path]:
        """Return the files of one model."""
        makers: dict[str, Callable[[], list[Path]]] = {
            "keras": lambda: [REFERENCE],
            "int8.tflite": lambda: [self._shipped("tflite")],
            "int8.onnx": lambda: [self._shipped("onnx")],
            "float32.onnx": lambda: [self._float32()],
            "float32.ncnn": lambda: self._ncnn(self._float32()),
            "int8.ncnn": lambda: self._ncnn(self._shipped("onnx")),
            "tutorial": lambda: [self._tutorial()],
        }
        return makers[name]()

    def _shipped(self, format_: Literal["tflite", "onnx"]) -> Path:
        return self.bundle.path / self.bundle.pick("int8", [format_]).path

    def _float32(self) -> Path:
        """Return the reference model as float32 ONNX, which the shipped bundle has in int8 alone."""
        made = self.folder / f"float32-{_sum(REFERENCE, Path(__file__))}.onnx"
        return made if made.is_file() else _made(made, sys.executable, "-m", "benchmarks.peers.peer_models", REFERENCE)

    def _tutorial(self) -> Path:
        """Return the tutorial's model, trained by the Python that has Keras, with training digits alone."""
        python = self.venvs.python(KERAS)
        made = self.folder / f"tutorial-{_key(*KERAS.packages)}-{_sum(_TUTORIAL)}.tflite"
        if made.is_file():
            return made
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            digits = Path(folder) / "digits.npz"
            np.savez(digits, images=self.training.images[..., 0], labels=self.training.labels)
            return _made(made, python, _TUTORIAL, digits)

    def _ncnn(self, source: Path) -> list[Path]:
        """Return what pnnx makes of an ONNX file: network and weights."""
        made = [self.folder / f"{_key(PNNX)}-{_sum(source)}.{end}" for end in ("param", "bin")]
        if all(file.is_file() for file in made):
            return made
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            given = Path(folder) / "model.onnx"
            given.write_bytes(_without_cast(source.read_bytes()))
            # The weights as they are: it would store them as float16.
            _run(self.venvs.pnnx(), given, "inputshape=[1,28,28,1]f32", "fp16=0", cwd=folder)
            for file in made:
                write_atomic(file, given.with_suffix(f".ncnn{file.suffix}").read_bytes())
        return made


def _without_cast(data: bytes) -> bytes:
    """Return the file with float32 pixels as its input: ncnn has no layer for the cast, it converts while it copies."""
    import onnx

    model = onnx.load_model_from_string(data)
    graph, (image,) = model.graph, model.graph.input
    (cast,) = (node for node in graph.node if node.op_type == "Cast" and node.input[0] == image.name)
    for node in graph.node:
        node.input[:] = [image.name if name == cast.output[0] else name for name in node.input]
    graph.node.remove(cast)
    image.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _made(file: Path, *words: Any) -> Path:
    """Return the file that a command writes where its last word says."""
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        written = Path(folder) / file.name
        _run(*words, written)
        write_atomic(file, written.read_bytes())
    return file


def _run(*words: Any, cwd: Path | str = ROOT) -> None:
    done = subprocess.run([*map(str, words)], check=False, capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise InstallError(
            f"{Path(words[0]).name} ended with {done.returncode}: {' '.join(done.stderr.split())[-300:]}"
        )


def _sum(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def _key(*packages: str) -> str:
    """Return a file name for releases."""
    return "-".join(packages).replace("==", "-")


def _export(keras: str, out: str) -> None:
    from edgedigits_export.convert.onnx import convert_onnx
    from edgedigits_export.keras_model.frozen import freeze
    from edgedigits_export.keras_model.load import load_keras

    Path(out).write_bytes(convert_onnx(freeze(load_keras(keras))))


if __name__ == "__main__":
    _export(*sys.argv[1:])
