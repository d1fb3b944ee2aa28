"""Conversion of pixels to a model's input type, and of a model's output to probabilities.

Files made by this project take uint8 pixels and give float32 probabilities. A file made elsewhere still runs: its
input type, scale and zero point are read from the file and honoured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.engines.protocol import Engine
from edgedigits.errors import EdgeDigitsError, ModelRejectedError
from edgedigits.manifest import TensorInfo
from edgedigits.wrapping import Wrapping, to_form, to_shares

if TYPE_CHECKING:
    from edgedigits.model import Model

PixelInference = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def image_and_scores(engine: Engine) -> tuple[TensorInfo, TensorInfo]:
    """Return the one input and the one output of a model that takes images.

    Raises
    ------
    ModelRejectedError: the model has another number of them.

    """
    if len(engine.inputs) != 1 or len(engine.outputs) != 1:
        raise ModelRejectedError(
            f"expected one image in and class scores out, found a model of {_listed(engine.inputs, 'input')} and "
            f"{_listed(engine.outputs, 'output')}; show, check, bench and selftest take it"
        )
    return engine.inputs[0], engine.outputs[0]


def follows_contract(inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> bool:
    """Return whether a file has the tensors of this project's files: raw pixels ``image`` in, ``probabilities`` out."""
    ends = [(one.name, one.dtype, one.scale) for one in (*inputs, *outputs)]
    return ends == [("image", "uint8", None), ("probabilities", "float32", None)]


def _listed(ends: Sequence[TensorInfo], kind: str) -> str:
    names = ", ".join(one.name for one in ends)
    return f"{len(ends)} {kind}{'' if len(ends) == 1 else 's'}" + (f" ({names})" if ends else "")


def pixel_inference(engine: Engine, wrapping: Wrapping | None = None) -> PixelInference:
    """Return the engine as a function from raw pixels uint8 ``[N, H, W, C]`` to float32 ``[N, classes]``.

    A file that keeps this project's contract needs no conversion, so the function is the engine's own. Around a
    finished file of a bundle is done what its ``wrapping`` declares.
    """
    image, scores = image_and_scores(engine)
    if wrapping is not None:
        return lambda pixels: to_shares(engine.run(to_form(pixels, image, wrapping)), scores, wrapping)
    if (image.dtype, image.scale, scores.dtype, scores.scale) == ("uint8", None, "float32", None):
        return engine.run
    return lambda pixels: to_probabilities(engine.run(to_model_input(pixels, image)), scores)


def refusing(infer: PixelInference, engine: Engine, model: Model) -> PixelInference:
    """Return the function with what the engine raises while it infers as a ModelRejectedError."""

    def run(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        try:
            return infer(pixels)
        except EdgeDigitsError:
            raise
        except Exception as error:  # engines raise their own types
            from edgedigits.engines.refusal import refusal

            raise refusal(engine.name, engine.version, model, error, "a picture") from error

    return run


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
