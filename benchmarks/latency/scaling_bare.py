"""What a program without this project would write: an interpreter fed image by image, a session fed all at once."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_INTERPRETERS = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}


def bare(path: Path, engine: str) -> Callable[[NDArray[Any]], None]:
    """A function that infers a batch in one thread."""
    return _session(path) if engine == "onnxruntime" else _interpreter(path, engine)


def _interpreter(path: Path, engine: str) -> Callable[[NDArray[Any]], None]:
    interpreter = import_module(_INTERPRETERS[engine]).Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, answer = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def infer(images: NDArray[Any]) -> None:
        for number in range(len(images)):
            interpreter.set_tensor(given, images[number : number + 1])
            interpreter.invoke()
            interpreter.get_tensor(answer)

    return infer


def _session(path: Path) -> Callable[[NDArray[Any]], None]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def infer(images: NDArray[Any]) -> None:
        session.run(None, {name: images})

    return infer
