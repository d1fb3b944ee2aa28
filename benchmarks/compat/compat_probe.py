"""Run each model in one engine: `python compat_probe.py ENGINE ZOO` prints JSON lines.

ENGINE is the import name: tflite_runtime, ai_edge_litert or onnxruntime. ZOO is the folder of ``zoo.py``. Each model
gets a child process, so that one that dies (of a segmentation fault, say) is a line like the others:
``{"file", "outputs"}`` with 32 rows of float32, or ``{"file", "error"}``. Runs in the oldest Python that any engine
has wheels for, 3.8, with numpy and the engine alone, on Linux and macOS, for it forks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

SECONDS = 60
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
    options = engine.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = engine.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    kind = np.float32 if source.type == "tensor(float)" else np.uint8
    return [session.run(None, {source.name: image[None].astype(kind)})[0][0] for image in images]


def in_child(work: Callable[[], list[Any]], seconds: int) -> dict[str, Any]:
    """Return the outputs that ``work()`` returns or the error it raises, from a process that may die or hang."""
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if child == 0:
            signal.alarm(seconds)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                outputs = [[round(float(value), 5) for value in output] for output in work()]
                found: dict[str, Any] = {"outputs": outputs}
            except BaseException as error:  # noqa: BLE001 - the child ends here, whatever it was
                found = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST]}
            json.dump(found, told)
            told.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        if os.WIFSIGNALED(status):
            return {"error": "killed by " + signal.Signals(os.WTERMSIG(status)).name}
        heard: dict[str, Any] = json.load(told)
        return heard


def probe(engine_name: str, zoo: str) -> Iterator[dict[str, Any]]:
    """Yield a line for each model of the engine's format."""
    suffix, run = (".onnx", run_onnx) if engine_name == "onnxruntime" else (".tflite", run_tflite)
    engine = import_module(engine_name if engine_name == "onnxruntime" else engine_name + ".interpreter")
    with open(os.path.join(zoo, "models.json")) as file:
        models = [row for row in json.load(file)["models"] if row["file"].endswith(suffix)]
    for row in models:
        images = np.load(os.path.join(zoo, row["net"] + "-images.npy"))
        path = os.path.join(zoo, row["file"])
        yield dict(in_child(partial(run, engine, path, images), SECONDS), file=row["file"])


if __name__ == "__main__":
    for line in probe(*sys.argv[1:]):
        print(json.dumps(line), flush=True)
