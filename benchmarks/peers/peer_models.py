"""The model files that the peers run: what ships, and what is made of it once and kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from homes import PNNX, Homes, key_of
from peer import KERAS, Missing
from venvs import ROOT

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.files import write_atomic

REFERENCE = ROOT / "models" / "small.keras"
_EXPORT = Path(__file__).with_name("export_onnx.py")
_TUTORIAL = Path(__file__).parent / "workers" / "train_tutorial.py"


@dataclass(frozen=True, slots=True)
class Models:
    """Model files by name; ``folder`` keeps those that are made here."""

    folder: Path
    homes: Homes
    bundle: Bundle
    training: Dataset

    def files(self, name: str) -> list[Path]:
        """The files of one model.

        Raises
        ------
        Missing: one of them cannot be made.

        """
        makers: dict[str, Callable[[], list[Path]]] = {
            "keras": lambda: [REFERENCE],
            "int8.tflite": lambda: [self._shipped("int8", "tflite")],
            "int8.onnx": lambda: [self._shipped("int8", "onnx")],
            "float32.onnx": lambda: [self._float32()],
            "float32.ncnn": lambda: self._ncnn(self._float32()),
            "int8.ncnn": lambda: self._ncnn(self._shipped("int8", "onnx")),
            "tutorial": lambda: [self._tutorial()],
        }
        return makers[name]()

    def _shipped(self, variant: str, format_: str) -> Path:
        return self.bundle.path / self.bundle.pick(variant, [format_]).path

    def _float32(self) -> Path:
        """The reference model as ONNX, which the shipped bundle has in int8 alone."""
        made = self.folder / f"float32-{_sum(REFERENCE, _EXPORT)}.onnx"
        return made if made.is_file() else _made(made, sys.executable, _EXPORT, REFERENCE)

    def _tutorial(self) -> Path:
        """Trained where Keras lives, with training digits alone."""
        python = self.homes.python(KERAS)
        made = self.folder / f"tutorial-{key_of(*KERAS.packages)}-{_sum(_TUTORIAL)}.tflite"
        if made.is_file():
            return made
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            digits = Path(folder) / "digits.npz"
            np.savez(digits, images=self.training.images[..., 0], labels=self.training.labels)
            return _made(made, python, _TUTORIAL, digits)

    def _ncnn(self, source: Path) -> list[Path]:
        """What pnnx makes of an ONNX file: network and weights."""
        made = [self.folder / f"{key_of(PNNX)}-{_sum(source)}.{end}" for end in ("param", "bin")]
        if all(file.is_file() for file in made):
            return made
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            given = Path(folder) / "model.onnx"
            given.write_bytes(_without_cast(source.read_bytes()))
            # The weights as they are: it would store them as float16.
            _run(self.homes.pnnx(), given, "inputshape=[1,28,28,1]f32", "fp16=0", cwd=folder)
            for file in made:
                write_atomic(file, given.with_suffix(f".ncnn{file.suffix}").read_bytes())
        return made


def _without_cast(data: bytes) -> bytes:
    """The file with float32 pixels as its input: ncnn has no layer for the cast, it converts while it copies."""
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
    """The file that a command writes where its last word says."""
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        written = Path(folder) / file.name
        _run(*words, written)
        write_atomic(file, written.read_bytes())
    return file


def _run(*words: Any, cwd: str | None = None) -> None:
    done = subprocess.run([*map(str, words)], check=False, capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise Missing(f"{Path(words[0]).name} ended with {done.returncode}: {' '.join(done.stderr.split())[-300:]}")


def _sum(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
