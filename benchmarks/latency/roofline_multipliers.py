"""What multiplies matrices here in one thread: numpy's BLAS and the engines, each as a call without arguments."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

# Engine, precision, operator, call.
Product = tuple[str, str, str, Callable[[], object]]
_INTERPRETERS = {"litert": "ai_edge_litert.interpreter", "tflite": "tflite_runtime.interpreter"}
_CORE_NAMES = ("openblas_get_corename", "openblas_get_corename64_", "scipy_openblas_get_corename64_")


def products(engine: str, folder: Path, shape: list[int]) -> Iterator[Product]:
    """All forms of one product in numpy or an engine."""
    name = "x".join(map(str, shape))
    if engine == "numpy":
        yield "numpy", "float32", f"matmul, {blas_kernel()}", _numpy(shape)
    elif engine == "onnxruntime":
        for operator, precision in (("MatMul", "float32"), ("MatMulInteger", "int8"), ("QLinearMatMul", "int8")):
            yield engine, precision, operator, _session(folder / f"{name}-{operator}.onnx")
    else:
        for precision in ("float32", "int8"):
            yield engine, precision, "FULLY_CONNECTED", _interpreter(engine, folder / f"{name}-{precision}.tflite")


def blas_kernel() -> str:
    """Which kernel numpy's OpenBLAS has chosen for this processor, or which BLAS it is where that cannot be asked."""
    maps = Path("/proc/self/maps")
    for path in sorted(set(re.findall(r"/\S*openblas\S*", maps.read_text() if maps.is_file() else ""))):
        library = ctypes.CDLL(path)
        for name in _CORE_NAMES:
            if hasattr(library, name):
                tell = getattr(library, name)
                tell.restype = ctypes.c_char_p
                return f"OpenBLAS {tell().decode()}"
    configuration: Any = np.show_config(mode="dicts")
    return str(configuration["Build Dependencies"]["blas"]["name"])


def _numpy(shape: list[int]) -> Callable[[], object]:
    rows, depth, columns = shape
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((rows, depth), np.float32), rng.standard_normal((depth, columns), np.float32)
    answer = np.empty((rows, columns), np.float32)
    return lambda: np.matmul(left, right, out=answer)


def _interpreter(engine: str, path: Path) -> Callable[[], object]:
    interpreter = import_module(_INTERPRETERS[engine]).Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    interpreter.set_tensor(given["index"], _random(given["shape"], given["dtype"]))
    call: Callable[[], object] = interpreter.invoke
    return call


def _session(path: Path) -> Callable[[], object]:
    """With its tensors bound, so that the product is all that a call does."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given, answer = session.get_inputs()[0], session.get_outputs()[0]
    binding = session.io_binding()
    binding.bind_cpu_input(given.name, _random(given.shape, np.float32 if given.type == "tensor(float)" else np.uint8))
    binding.bind_output(answer.name, "cpu")
    return lambda: session.run_with_iobinding(binding)


def _random(shape: Any, dtype: Any) -> Any:
    rng = np.random.default_rng(0)
    if dtype == np.float32:
        return rng.standard_normal(tuple(shape), np.float32)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, tuple(shape), dtype, endpoint=True)
