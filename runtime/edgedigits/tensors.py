"""Conversion of pixels to a model's input type, and of a model's output to probabilities.

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

PixelInference = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def pixel_inference(engine: Engine) -> PixelInference:
    """Return the engine as a function from raw pixels uint8 ``[N, H, W, C]`` to float32 ``[N, classes]``.

    A file that keeps this project's contract needs no conversion, so the function is the engine's own.
    """
    image, scores = engine.image, engine.probabilities
    if (image.dtype, image.scale, scores.dtype, scores.scale) == ("uint8", None, "float32", None):
        return engine.run
    return lambda pixels: to_probabilities(engine.run(to_model_input(pixels, image)), scores)


def to_model_input(pixels: NDArray[np.uint8], image: TensorInfo) -> NDArray[Any]:
    """Return raw pixels, uint8 ``[N, H, W, C]``, in the input's own type.

    A quantized input with a scale of 1 takes pixels as they are. Otherwise the range of the input shows which real
    values it stands for: up to about 1 means pixels / 255, from about -1 to 1 means pixels / 127.5 - 1. These become
    ``clip(round(x / scale + zero_point))`` (TensorFlow Lite 8-bit quantization specification).

    Raises
    ------
    ModelRejectedError: the input is a float, whose scaling no file states, or of a type that cannot hold pixels.

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
    model_input: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(image.dtype)
    return model_input


def _real_values(pixels: NDArray[np.uint8], low: float, high: float) -> NDArray[np.float32]:
    values = pixels.astype(np.float32)
    if high > 2:
        return values
    return values / np.float32(255) if low > -0.5 else values / np.float32(127.5) - 1


def to_probabilities(values: NDArray[Any], info: TensorInfo) -> NDArray[np.float32]:
    """Return a model's output as float32, dequantized where the file states scale and zero point."""
    if info.scale is not None and info.zero_point is not None:
        return (values.astype(np.float32) - np.float32(info.zero_point)) * np.float32(info.scale)
    return values.astype(np.float32, copy=False)


# Height and width of a page from a small camera, which stand for any size in measurements.
ANY_SIZE = (480, 640)


def random_input(info: TensorInfo, batch: int = 1, seed: int = 0) -> NDArray[Any]:
    """Return a random input of the right type and shape to measure with.

    Integers cover their whole range, floats the range from 0 to 1; booleans are False. ``batch`` is the length of the
    first axis where that is free; images of any size, ``[N, H, W, C]``, are of `ANY_SIZE`, other free axes are 1.

    Raises
    ------
    UsageError: a batch of more than one is asked for, and the first axis is fixed.
    ModelRejectedError: the input holds neither numbers nor booleans.

    """
    if batch > 1 and info.shape[:1] != (-1,):
        raise UsageError(f"input {info.name!r}: expected a free first axis for a batch of {batch}, found {info.shape}")
    rng = np.random.default_rng(seed)
    shape = tuple(max(1, n) for n in info.shape)
    if len(shape) == 4 and info.shape[1:3] == (-1, -1):
        shape = (shape[0], *ANY_SIZE, shape[3])
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
