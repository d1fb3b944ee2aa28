"""The model files that peers run: those that ship, and those that are made from them once and kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.harness.child import ROOT
from benchmarks.peers import export_onnx
from benchmarks.peers.peer import KERAS, PeerError
from benchmarks.peers.peer_venvs import PNNX, PeerVenvs, key_of
from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.files import write_atomic

REFERENCE = ROOT / "models" / "small.keras"
_EXPORT = Path(export_onnx.__file__)
_TUTORIAL = Path(__file__).parent / "workers" / "train_tutorial.py"


@dataclass(frozen=True, slots=True)
class PeerModels:
    """Model files by name; ``folder`` keeps those that are made here."""

    folder: Path
    venvs: PeerVenvs
    bundle: Bundle
    training: Dataset

    def files(self, name: str) -> list[Path]:
        """Return the files of one model.

        Raises
        ------
        PeerError: one of them cannot be made.

        """
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
        made = self.folder / f"float32-{_sum(REFERENCE, _EXPORT)}.onnx"
        return made if made.is_file() else _made(made, sys.executable, "-m", export_onnx.__name__, REFERENCE, cwd=ROOT)

    def _tutorial(self) -> Path:
        """Return the tutorial's model, trained by the Python that has Keras, with training digits alone."""
        python = self.venvs.python(KERAS)
        made = self.folder / f"tutorial-{key_of(*KERAS.packages)}-{_sum(_TUTORIAL)}.tflite"
        if made.is_file():
            return made
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            digits = Path(folder) / "digits.npz"
            np.savez(digits, images=self.training.images[..., 0], labels=self.training.labels)
            return _made(made, python, _TUTORIAL, digits)

    def _ncnn(self, source: Path) -> list[Path]:
        """Return what pnnx makes of an ONNX file: network and weights."""
        made = [self.folder / f"{key_of(PNNX)}-{_sum(source)}.{end}" for end in ("param", "bin")]
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


def _made(file: Path, *words: Any, cwd: Path | None = None) -> Path:
    """Return the file that a command writes where its last word says."""
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        written = Path(folder) / file.name
        _run(*words, written, cwd=cwd)
        write_atomic(file, written.read_bytes())
    return file


def _run(*words: Any, cwd: Path | str | None = None) -> None:
    done = subprocess.run([*map(str, words)], check=False, capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise PeerError(f"{Path(words[0]).name} ended with {done.returncode}: {' '.join(done.stderr.split())[-300:]}")


def _sum(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
