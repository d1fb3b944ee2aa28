"""The engine of .tflite files: LiteRT and tflite-runtime offer the same interpreter interface."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import TensorInfo

Inference = Callable[[NDArray[Any]], NDArray[Any]]

# Interpreters that a thread keeps of a file that takes images of any size, one for each of the last sizes.
SIZES = 4


class InterpreterEngine:
    """A .tflite file with one interpreter for each thread, since an interpreter serves one thread at a time.

    Of a file that takes images of any size there is one interpreter for each size, because changing the size of one
    takes longer than an inference.
    """

    def __init__(self, make: Callable[[], Any], name: str, version: str) -> None:
        """Create the first interpreter with ``make``, whose errors pass through."""
        self.name, self.version = name, version
        self._make = make
        self._local = threading.local()
        interpreter = make()
        self.image = _info(interpreter.get_input_details())
        self.probabilities = _info(interpreter.get_output_details())
        self._any_size = -1 in self.image.shape[1:]
        if not self._any_size:
            interpreter.allocate_tensors()
            self._local.infer = _inference(interpreter)

    def _begin(self, size: tuple[int, ...] | None) -> Inference:
        """Create an interpreter for this thread, for images of ``size`` where the file takes any."""
        interpreter = self._make()
        if size is not None:
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, *size), strict=True)
        interpreter.allocate_tensors()
        return _inference(interpreter)

    def _inference(self, size: tuple[int, ...]) -> Inference:
        """Return this thread's inference function for images of that size."""
        if not self._any_size:
            self._local.infer = self._begin(None)
            return self._local.infer  # type: ignore[no-any-return]
        by_size: dict[tuple[int, ...], Inference] = self._local.__dict__.setdefault("by_size", {})
        found = by_size.pop(size, None) or self._begin(size)
        by_size[size] = found  # the last one is the newest
        while len(by_size) > SIZES:
            del by_size[next(iter(by_size))]
        return found

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run inference image by image, since the files have batch 1."""
        try:
            infer = self._local.infer
        except AttributeError:
            infer = self._inference(images.shape[1:])
        count = len(images)
        if count == 1:
            scores: NDArray[Any] = infer(images)
            return scores
        if not count:
            return np.empty((0, *self.probabilities.shape[1:]), self.probabilities.dtype)
        return np.concatenate([infer(images[at : at + 1]) for at in range(count)])


def _inference(interpreter: Any) -> Inference:
    """Return a function that runs one inference; it looks up tensors and methods once, since microseconds count.

    Copying tensors in and out takes 0.4 and 0.3 us, a view takes 0.6 us and must not be kept while the interpreter
    runs.
    """
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    set_tensor, invoke, get_tensor = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor

    def infer(image: NDArray[Any]) -> NDArray[Any]:
        set_tensor(source, image)
        invoke()
        scores: NDArray[Any] = get_tensor(target)
        return scores

    return infer


def _info(details: list[dict[str, Any]]) -> TensorInfo:
    if len(details) != 1:
        raise ValueError(f"expected one input and one output, found {len(details)}")
    one = details[0]
    scales, zero_points = one["quantization_parameters"]["scales"], one["quantization_parameters"]["zero_points"]
    quantized = len(scales) > 0
    signature = one.get("shape_signature", ())
    return TensorInfo(
        name=one["name"],
        dtype=np.dtype(one["dtype"]).name,
        shape=tuple(int(n) for n in (signature if len(signature) else one["shape"])),
        scale=float(scales[0]) if quantized else None,
        zero_point=int(zero_points[0]) if quantized else None,
    )
