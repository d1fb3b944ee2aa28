"""Run each model in one engine: `python compat_probe.py ENGINE ZOO` prints JSON lines.

ENGINE is the import name: tflite_runtime, ai_edge_litert or onnxruntime. ZOO is the folder of ``zoo.py``,
``backend_tests.py`` or ``package_files.py``. Each model gets a child process, so that one that dies (of a segmentation
fault, say) is a line like the others: ``{"file", "outputs"}`` with 32 rows of float32 for a digit classifier,
``{"file", "off"}`` with the distance from the outputs of its case for any other file, or ``{"file", "error"}``. Runs in
the oldest Python that any engine has wheels for, 3.8, with numpy and the engine alone, on Linux and macOS, as it forks.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

SECONDS = 60
# The distance where two outputs cannot be compared: JSON has no infinity.
NOTHING_ALIKE = 1e9
# Outputs that are smaller as a whole have no digits to compare.
NEAR_ZERO = 1e-3
# onnxruntime puts a C++ signature before its message.
LONGEST = 1500


def run_tflite(engine: Any, path: str, images: Any) -> list[Any]:
    """Return each image's output of a .tflite file; int8 inputs and outputs are converted by scale and zero point."""
    interpreter = engine.Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for image in images:
        interpreter.set_tensor(source["index"], quantized(image[None], source))
        interpreter.invoke()
        outputs.append(dequantized(interpreter.get_tensor(target["index"])[0], target))
    return outputs


def quantized(pixels: Any, tensor: dict[str, Any]) -> Any:
    """Return pixels in the tensor's own type."""
    scale, zero_point = tensor["quantization"]
    if scale:
        limits = np.iinfo(tensor["dtype"])
        pixels = np.clip(np.round(pixels / scale) + zero_point, limits.min, limits.max)
    return pixels.astype(tensor["dtype"])


def dequantized(values: Any, tensor: dict[str, Any]) -> Any:
    """Return the tensor's values as float32."""
    scale, zero_point = tensor["quantization"]
    return (values.astype(np.float32) - zero_point) * scale if scale else values


def run_onnx(engine: Any, path: str, images: Any) -> list[Any]:
    """Return each image's output of an .onnx file."""
    session = _session(engine, path)
    (source,) = session.get_inputs()
    kind = np.float32 if source.type == "tensor(float)" else np.uint8
    return [session.run(None, {source.name: image[None].astype(kind)})[0][0] for image in images]


def _session(engine: Any, path: str) -> Any:
    options = engine.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return engine.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def tflite_outputs(engine: Any, path: str, _: list[str], inputs: list[Any]) -> list[Any]:
    """Return the outputs of any .tflite file; the inputs are in its order."""
    interpreter = engine.Interpreter(model_path=path, num_threads=1)
    for tensor, value in zip(interpreter.get_input_details(), inputs):  # noqa: B905 - Python 3.8
        if tuple(tensor["shape"]) != value.shape:
            interpreter.resize_tensor_input(tensor["index"], value.shape)
    interpreter.allocate_tensors()
    for tensor, value in zip(interpreter.get_input_details(), inputs):  # noqa: B905 - Python 3.8
        interpreter.set_tensor(tensor["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(tensor["index"]) for tensor in interpreter.get_output_details()]


def onnx_outputs(engine: Any, path: str, names: list[str], inputs: list[Any]) -> list[Any]:
    """Return the outputs of any .onnx file."""
    found: list[Any] = _session(engine, path).run(None, dict(zip(names, inputs)))  # noqa: B905 - Python 3.8
    return found


def run_case(run: Callable[..., list[Any]], engine: Any, path: str, case: str) -> dict[str, Any]:
    """Return how far the outputs of a file are from those of its case; None where the case does not tell."""
    with open(case, "rb") as stored:
        names, inputs, expected = pickle.load(stored)  # noqa: S301 - the zoo is made here
    outputs = run(engine, path, names, inputs)
    return {"off": None if expected is None else distance(outputs, expected)}


def distance(outputs: Any, expected: Any) -> float:
    """Return how far arrays, or lists of them, are apart: the largest relative error, by the Euclidean norm."""
    if isinstance(expected, (list, tuple)):
        if not isinstance(outputs, (list, tuple)) or len(outputs) != len(expected):
            return NOTHING_ALIKE
        return max([distance(one, other) for one, other in zip(outputs, expected)], default=0.0)  # noqa: B905 - 3.8
    if expected is None or outputs is None:
        return 0.0 if outputs is expected else NOTHING_ALIKE
    one, other = np.asarray(outputs), np.asarray(expected)
    if one.shape != other.shape:
        return NOTHING_ALIKE
    return _distance_of_numbers(one, other) if one.dtype.kind in "biuf" else _distance_of_texts(one, other)


def _distance_of_numbers(one: Any, other: Any) -> float:
    one, other = one.astype(np.float64), other.astype(np.float64)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    if not np.isfinite(one[~same]).all() or not np.isfinite(other[~same]).all():
        return NOTHING_ALIKE
    size = max(float(np.linalg.norm(other[np.isfinite(other)])), NEAR_ZERO)
    return float(np.linalg.norm((one - other)[~same])) / size


def _distance_of_texts(one: Any, other: Any) -> float:
    """Return how far numbers are apart that were cast to texts, each engine in its own way; 1 for other texts."""
    if (one == other).all():
        return 0.0
    try:
        return _distance_of_numbers(one, other)
    except ValueError:
        return 1.0


def in_children(works: list[Callable[[], dict[str, Any]]], seconds: int) -> Iterator[dict[str, Any]]:
    """Yield what each of ``works`` returns or the error it raises, from processes that may die or hang.

    One process does as many as it survives. The one that it dies of is tried again, in a process of its own.
    """
    start = 0
    while start < len(works):
        found, end = _one_child(works[start:], seconds)
        yield from found
        start += len(found)
        if start < len(works):
            alone, end = ([], end) if not found else _one_child(works[start : start + 1], seconds)
            yield from alone or [{"error": end}]
            start += 1


def _one_child(works: list[Callable[[], dict[str, Any]]], seconds: int) -> tuple[list[dict[str, Any]], str]:
    """Return what one process did before it ended, and how it ended."""
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            for work in works:
                signal.alarm(seconds)
                try:
                    found = work()
                except BaseException as error:  # noqa: BLE001 - the child ends here, whatever it was
                    found = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]}
                print(json.dumps(found), file=told, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        end = "killed by " + signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else ""
        return [json.loads(line) for line in told], end


def run_digits(run: Callable[..., list[Any]], engine: Any, path: str, images: str) -> dict[str, Any]:
    """Return the outputs of a digit classifier for all images, rounded."""
    outputs = run(engine, path, np.load(images))
    return {"outputs": [[round(float(value), 5) for value in output] for output in outputs]}


def probe(engine_name: str, zoo: str) -> Iterator[dict[str, Any]]:
    """Yield a line for each model of the engine's format."""
    onnx = engine_name == "onnxruntime"
    engine = import_module(engine_name if onnx else engine_name + ".interpreter")
    digits, any_file = (run_onnx, onnx_outputs) if onnx else (run_tflite, tflite_outputs)
    with open(os.path.join(zoo, "models.json")) as file:
        models = [row for row in json.load(file)["models"] if row["file"].endswith(".onnx" if onnx else ".tflite")]
    works = [_work(engine, digits, any_file, zoo, row) for row in models]
    for row, found in zip(models, in_children(works, SECONDS)):  # noqa: B905 - Python 3.8
        yield dict(found, file=row["file"])


def _work(engine: Any, digits: Any, any_file: Any, zoo: str, row: dict[str, str]) -> Callable[[], dict[str, Any]]:
    """Return what runs one file: on the inputs of its case, where it has one, else on its net's images."""
    path = os.path.join(zoo, row["file"])
    case = path + ".pkl"
    if os.path.exists(case):
        return partial(run_case, any_file, engine, path, case)
    return partial(run_digits, digits, engine, path, os.path.join(zoo, row["net"] + "-images.npy"))


if __name__ == "__main__":
    for line in probe(*sys.argv[1:]):
        print(json.dumps(line), flush=True)
