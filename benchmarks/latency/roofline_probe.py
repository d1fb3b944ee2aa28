"""Measure in one process how many multiplications a second numpy or an engine reaches in one thread.

`python -m benchmarks.latency.roofline_probe FOLDER ENGINE SHAPES SECONDS` prints rows as JSON.
"""

from __future__ import annotations

import ctypes
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from timeit import Timer
from typing import Any

import numpy as np

from benchmarks.latency.workers.overhead_by_hand import interpreter, session

Call = Callable[[], object]
# ONNX operators and the precision that each multiplies in.
OPERATORS = {"MatMul": "float32", "MatMulInteger": "int8", "QLinearMatMul": "int8"}
_REPEATS = 5
_CORE_NAMES = ("openblas_get_corename", "openblas_get_corename64_", "scipy_openblas_get_corename64_")


def rows(folder: Path, engine: str, shapes: list[list[int]], seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the rate of every shape in every precision and operator that the engine has."""
    for shape in shapes:
        for precision, operator, call in _products(engine, folder, shape):
            rate = math.prod(shape) / best_seconds(call, seconds) / 1e9
            yield {"engine": engine, "precision": precision, "operator": operator, "shape": shape, "gmacs": rate}


def best_seconds(call: Call, seconds: float) -> float:
    """Return the least of some repetitions of many calls each: what disturbs them is not the processor's limit."""
    timer = Timer(call)  # the garbage collector is off while it runs
    warm = min(timer.repeat(_REPEATS, 1))
    number = max(1, round(seconds / _REPEATS / warm))
    return min(timer.repeat(_REPEATS, number)) / number


def _products(engine: str, folder: Path, shape: list[int]) -> Iterator[tuple[str, str, Call]]:
    name = "x".join(map(str, shape))
    if engine == "numpy":
        yield "float32", f"matmul, {_blas_kernel()}", _numpy_call(shape)
    elif engine == "onnxruntime":
        for operator, precision in OPERATORS.items():
            yield precision, operator, _session_call(folder / f"{name}-{operator}.onnx")
    else:
        for precision in ("float32", "int8"):
            yield precision, "FULLY_CONNECTED", _interpreter_call(engine, folder / f"{name}-{precision}.tflite")


def _blas_kernel() -> str:
    """Return the kernel that numpy's OpenBLAS chose for this processor, or the BLAS where that cannot be asked."""
    maps = Path("/proc/self/maps")
    for path in sorted(set(re.findall(r"/\S*openblas\S*", maps.read_text() if maps.is_file() else ""))):
        library = ctypes.CDLL(path)
        for name in _CORE_NAMES:
            if hasattr(library, name):
                tell = getattr(library, name)
                tell.restype = ctypes.c_char_p
                return f"OpenBLAS {tell().decode()}"
    show: Any = np.show_config
    return str(show(mode="dicts")["Build Dependencies"]["blas"]["name"])


def _numpy_call(shape: list[int]) -> Call:
    rows, depth, columns = shape
    left, right = _random((rows, depth), np.float32), _random((depth, columns), np.float32)
    product = np.empty((rows, columns), np.float32)
    return lambda: np.matmul(left, right, out=product)


def _interpreter_call(engine: str, path: Path) -> Call:
    made, source, _ = interpreter(engine, path.read_bytes())
    given = made.get_input_details()[0]
    made.set_tensor(source, _random(given["shape"], given["dtype"]))
    call: Call = made.invoke
    return call


def _session_call(path: Path) -> Call:
    """Return a call with its tensors bound, so that the product is all that it does."""
    made = session(path.read_bytes())
    given, product = made.get_inputs()[0], made.get_outputs()[0]
    binding = made.io_binding()
    binding.bind_cpu_input(given.name, _random(given.shape, np.float32 if given.type == "tensor(float)" else np.uint8))
    binding.bind_output(product.name, "cpu")
    return lambda: made.run_with_iobinding(binding)


def _random(shape: Any, dtype: Any) -> Any:
    rng = np.random.default_rng(0)
    if dtype == np.float32:
        return rng.standard_normal(tuple(shape), np.float32)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, tuple(shape), dtype, endpoint=True)


if __name__ == "__main__":
    print(json.dumps(list(rows(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), float(sys.argv[4])))))
