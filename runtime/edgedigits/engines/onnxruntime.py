"""The engine onnxruntime, for .onnx files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgedigits.engines.protocol import Inference
from edgedigits.manifest import TensorInfo

VERSION: str = onnxruntime.__version__
# One large batch runs ten times slower per image than chunks that stay in the cache (3,100 against 34,000 a second).
_CHUNK = 50
_CHUNK_VALUES = 2**19  # of large images fewer at once: each takes memory for what lies between the operators
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
        self.inputs = tuple(map(_info, self._session.get_inputs()))
        self.outputs = tuple(map(_info, self._session.get_outputs()))
        self._sources, self._targets = ([one.name for one in ends] for ends in (self.inputs, self.outputs))
        self._free = bool(self.inputs) and self.inputs[0].shape[:1] == (-1,)

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run inference in chunks, or image by image where the file has a fixed batch of 1."""
        if len(images) == 1:
            return self._infer(images)
        step = max(1, min(_CHUNK, _CHUNK_VALUES // math.prod(images.shape[1:]))) if self._free else 1
        results = [self._infer(images[start : start + step]) for start in range(0, len(images), step)]
        if not results:
            return np.empty((0, *self.outputs[0].shape[1:]), self.outputs[0].dtype)
        return np.concatenate(results)

    def _infer(self, images: NDArray[Any]) -> NDArray[Any]:
        scores: NDArray[Any] = self._session.run(self._targets, {self._sources[0]: images})[0]
        return scores

    def prepare(self, shapes: Sequence[tuple[int, ...]]) -> Inference:  # noqa: ARG002  a session takes any
        """Return a function that runs the session."""

        def infer(values: Sequence[NDArray[Any]]) -> Sequence[Any]:
            outputs: Sequence[Any] = self._session.run(self._targets, dict(zip(self._sources, values, strict=True)))
            return outputs

        return infer


def load(data: bytes, num_threads: int, *, spinning: bool = False) -> OnnxRuntimeEngine:
    """Load an .onnx file's bytes; errors of onnxruntime pass through.

    With ``spinning``, idle threads poll for work, which takes a third of a core at ten inferences a second.
    """
    return OnnxRuntimeEngine(data, num_threads, spinning=spinning)


def _info(value: Any) -> TensorInfo:
    shape = tuple(n if isinstance(n, int) and n >= 0 else -1 for n in value.shape)
    dtype = _DTYPES.get(value.type, re.sub(r"^tensor\((.*)\)$", r"\1", value.type))
    return TensorInfo(value.name, dtype, shape, None, None)
