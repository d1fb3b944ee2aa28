"""Random input for a model of which nothing is known but the types and shapes of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.input_shapes import InputShape
from edgedigits.manifest import TensorInfo

# Wider integers without quantization are ids, masks, lengths or axes: 0 and 1 are valid as any of them.
_IDS = 0, 1


def random_inputs(inputs: Sequence[TensorInfo], shapes: Sequence[InputShape], seed: int = 0) -> list[NDArray[Any]]:
    """Return a random value for each input, of its type and of these shapes; the same for the same seed.

    Floats are from 0 to 1. Integers of 8 bits and quantized ones cover their whole range, other integers are 0 or 1,
    booleans are true or false.

    Raises
    ------
    UsageError: an input holds neither numbers nor booleans, but for example strings.

    """
    require_numbers(inputs)
    rng = np.random.default_rng(seed)
    return [_random(one, chosen.shape, rng) for one, chosen in zip(inputs, shapes, strict=True)]


def require_numbers(inputs: Sequence[TensorInfo], file: str = "the file") -> None:
    """Refuse inputs of which there are no random values.

    Raises
    ------
    UsageError: an input holds neither numbers nor booleans, but for example strings or a sequence of tensors.

    """
    for one in inputs:
        if _dtype(one).kind not in "biufc":
            raise UsageError(
                f"{file}: expected inputs of numbers, for which random ones can stand, found {one.name!r} of the type "
                f"{one.dtype}; run it in the program that it was made for"
            )


def _dtype(one: TensorInfo) -> np.dtype[Any]:
    try:
        return np.dtype(one.dtype)
    except (TypeError, ValueError, SyntaxError):  # numpy reads names of types in a small language of its own
        return np.dtype(object)


def _random(one: TensorInfo, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    dtype = _dtype(one)
    if dtype.kind == "f":
        return np.asarray(rng.random(shape, np.float32), dtype)
    if dtype.kind == "c":
        return np.asarray(rng.random(shape) + 1j * rng.random(shape), dtype)
    if dtype.kind == "b":
        return np.asarray(rng.integers(0, 1, shape, endpoint=True), dtype)
    limits = np.iinfo(dtype)
    low, high = (limits.min, limits.max) if dtype.itemsize == 1 or one.scale is not None else _IDS
    return np.asarray(rng.integers(low, high, shape, dtype, endpoint=True))
