"""The TensorFlow Lite interpreter, which LiteRT and tflite-runtime offer under the same interface."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import TensorInfo


class InterpreterEngine:
    """A .tflite file in one interpreter for each thread that asks: an interpreter serves one thread at a time."""

    def __init__(self, make: Callable[[], Any], name: str, version: str) -> None:
        """Build the first interpreter with ``make``; whatever it raises passes through."""
        self.name, self.version = name, version
        self._make = make
        self._local = threading.local()
        interpreter = self._interpreter()
        self.image = _info(interpreter.get_input_details())
        self.probabilities = _info(interpreter.get_output_details())

    def _interpreter(self) -> Any:
        found = getattr(self._local, "interpreter", None)
        if found is None:
            found = self._make()
            found.allocate_tensors()
            self._local.input = found.get_input_details()[0]["index"]
            self._local.output = found.get_output_details()[0]["index"]
            self._local.interpreter = found
        return found

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Infer one by one: the files have batch 1."""
        interpreter = self._interpreter()
        index_in, index_out = self._local.input, self._local.output
        results = []
        for position in range(len(images)):
            interpreter.set_tensor(index_in, images[position : position + 1])
            interpreter.invoke()
            results.append(interpreter.get_tensor(index_out))
        if not results:
            return np.empty((0, *self.probabilities.shape[1:]), self.probabilities.dtype)
        return np.concatenate(results)

    def close(self) -> None:
        """Let go of this thread's interpreter, and of the others with their threads."""
        self._local = threading.local()


def _info(details: list[dict[str, Any]]) -> TensorInfo:
    if len(details) != 1:
        raise ValueError(f"expected one input and one output, found {len(details)}")
    one = details[0]
    scales, zero_points = one["quantization_parameters"]["scales"], one["quantization_parameters"]["zero_points"]
    quantized = len(scales) > 0
    return TensorInfo(
        name=one["name"],
        dtype=np.dtype(one["dtype"]).name,
        shape=tuple(int(n) for n in one["shape"]),
        scale=float(scales[0]) if quantized else None,
        zero_point=int(zero_points[0]) if quantized else None,
    )
