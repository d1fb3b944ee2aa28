"""Pixels into a model's own input type, its output into probabilities.

Files made by this project take uint8 pixels and give float32 probabilities. A file made elsewhere still runs: its
input type, scale and zero point are read from the file and honoured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines.protocol import Engine
from edgedigits.errors import ModelRejectedError, UsageError
from edgedigits.manifest import TensorInfo


def on_pixels(engine: Engine) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """The engine as a function from raw pixels uint8 ``[N, H, W, C]`` to probabilities float32 ``[N, classes]``.

    A file of this project's contract needs nothing around the engine, and gets nothing.
    """
    image, answer = engine.image, engine.probabilities
    if (image.dtype, image.scale, answer.dtype, answer.scale) == ("uint8", None, "float32", None):
        return engine.run
    return lambda pixels: probabilities(engine.run(feed(pixels, image)), answer)


def feed(pixels: NDArray[np.uint8], image: TensorInfo) -> NDArray[Any]:
    """Raw pixels uint8 ``[N, H, W, C]`` as the input wants them.

    A quantized input of this project's scale (1 a step) takes pixels as they are. Another one says by its range which
    real values it stands for: up to about 1 means pixels / 255, from about -1 to 1 means pixels / 127.5 - 1; then
    ``clip(round(x / scale + zero_point))`` (TensorFlow Lite 8-bit quantization specification).

    Raises
    ------
    ModelRejectedError: a float input, whose scaling no file states, or a type that cannot hold pixels.

    """
    if image.scale is None and image.dtype == "uint8":
        return pixels
    if image.scale is None or image.zero_point is None or image.dtype not in {"uint8", "int8"}:
        raise ModelRejectedError(
            f"input {image.name!r} is {image.dtype} without quantization, and nothing says how pixels are scaled for "
            "it; export the model with edgedigits, or put the scaling inside"
        )
    limits = np.iinfo(np.dtype(image.dtype))
    low = (limits.min - image.zero_point) * image.scale
    high = (limits.max - image.zero_point) * image.scale
    real = _real_values(pixels, low, high)
    steps = np.rint(real / np.float32(image.scale)) + image.zero_point
    fed: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(image.dtype)
    return fed


def _real_values(pixels: NDArray[np.uint8], low: float, high: float) -> NDArray[np.float32]:
    values = pixels.astype(np.float32)
    if high > 2:
        return values
    return values / np.float32(255) if low > -0.5 else values / np.float32(127.5) - 1


def probabilities(values: NDArray[Any], info: TensorInfo) -> NDArray[np.float32]:
    """The output as float32, dequantized where the file says how."""
    if info.scale is not None and info.zero_point is not None:
        return (values.astype(np.float32) - np.float32(info.zero_point)) * np.float32(info.scale)
    return values.astype(np.float32, copy=False)


def random_input(info: TensorInfo, batch: int = 1, seed: int = 0) -> NDArray[Any]:
    """An input of the right type and shape to measure with: whole range for integers, 0-1 for floats, else False.

    ``batch`` is the length of the first axis where that is free; other free axes are 1.

    Raises
    ------
    UsageError: a batch of more than one for a fixed first axis.
    ModelRejectedError: a type that is none of these.

    """
    if batch > 1 and info.shape[:1] != (-1,):
        raise UsageError(f"input {info.name!r}: expected a free first axis for a batch of {batch}, found {info.shape}")
    rng = np.random.default_rng(seed)
    shape = tuple(max(1, n) for n in info.shape)
    shape = (batch, *shape[1:]) if batch > 1 else shape
    try:
        dtype = np.dtype(info.dtype)
    except TypeError as error:
        raise ModelRejectedError(f"input {info.name!r}: expected integers or floats, found {info.dtype}") from error
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if not np.issubdtype(dtype, np.floating):
        return np.zeros(shape, dtype)
    values: NDArray[Any] = rng.random(shape, np.float32).astype(dtype)
    return values
