"""The engine onnxruntime, for .onnx files."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgedigits.manifest import TensorInfo

VERSION: str = onnxruntime.__version__
# One large batch runs ten times slower per image than chunks that stay in the cache (3,100 against 34,000 a second).
CHUNK = 50
_ERRORS_ONLY = 3
_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}  # the other types have numpy's names


class OnnxRuntimeEngine:
    """An .onnx file in one session, which all threads share."""

    def __init__(self, data: bytes, num_threads: int, *, spinning: bool) -> None:
        """Create the session; errors of onnxruntime pass through."""
        self.name, self.version = "onnxruntime", VERSION
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self.image = _info(self._session.get_inputs())
        self.probabilities = _info(self._session.get_outputs())

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run inference in chunks, or image by image where the file has a fixed batch of 1."""
        step = CHUNK if self.image.shape[0] == -1 else 1
        results = [self._infer(images[start : start + step]) for start in range(0, len(images), step)]
        if not results:
            return np.empty((0, *self.probabilities.shape[1:]), self.probabilities.dtype)
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _infer(self, images: NDArray[Any]) -> NDArray[Any]:
        scores: NDArray[Any] = self._session.run([self.probabilities.name], {self.image.name: images})[0]
        return scores


def load(data: bytes, num_threads: int, *, spinning: bool = False) -> OnnxRuntimeEngine:
    """Load an .onnx file's bytes; errors of onnxruntime pass through.

    With ``spinning``, idle threads poll for work, which takes a third of a core at ten inferences a second.
    """
    return OnnxRuntimeEngine(data, num_threads, spinning=spinning)


def _info(values: list[Any]) -> TensorInfo:
    if len(values) != 1:
        raise ValueError(f"expected one input and one output, found {len(values)}")
    one = values[0]
    shape = tuple(n if isinstance(n, int) else -1 for n in one.shape)
    dtype = _DTYPES.get(one.type, one.type.removeprefix("tensor(").removesuffix(")"))
    return TensorInfo(one.name, dtype, shape, None, None)
