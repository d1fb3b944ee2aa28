"""Run inferences on an emulated board, between two system calls that insncount.c sees.

`python mark_inferences.py ENGINE COUNT FILE …` runs in the board's Python with the engine's own package and nothing
around it; each file gives two marks.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from importlib import import_module

import numpy as np

WARM_UP = 3


def inference(engine: str, file: str) -> Callable[[], object]:
    """Return a function that runs one inference of a file, its input set to a middle grey."""
    if engine == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        one = session.get_inputs()[0]
        feed = {one.name: np.full([1, *one.shape[1:]], 127, np.uint8)}
        return lambda: session.run(None, feed)
    package = {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}[engine]
    interpreter = import_module(f"{package}.interpreter").Interpreter(model_path=file, num_threads=1)
    interpreter.allocate_tensors()
    one = interpreter.get_input_details()[0]
    interpreter.set_tensor(one["index"], np.full(one["shape"], 127, one["dtype"]))
    invoke: Callable[[], object] = interpreter.invoke
    return invoke


def main(engine: str, count: str, *files: str) -> None:
    """Warm up, mark, infer ``count`` times, mark; the argument of the system call only tells begin from end."""
    gc.disable()
    for file in files:
        infer = inference(engine, file)
        for _ in range(WARM_UP):
            infer()
        os.sched_get_priority_max(0)
        for _ in range(int(count)):
            infer()
        os.sched_get_priority_max(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
