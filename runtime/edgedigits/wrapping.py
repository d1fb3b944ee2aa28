"""What is done around a finished file that others made, as its bundle declares it: pixels in its form, its scores out.

The file's own input and output types are honoured, quantized ones as the TensorFlow Lite 8-bit quantization
specification says.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import Adapter, Manifest, ModelFile, PixelScaling, TensorInfo

Floats = NDArray[np.float32]


class Wrapping(NamedTuple):
    """The adapter of a finished file, and the scaling of raw pixels before it."""

    adapter: Adapter
    scaling: PixelScaling


def wrapping_of(manifest: Manifest, file: ModelFile) -> Wrapping | None:
    """Return what has to be done around a bundle's file, or None where it takes raw pixels and gives probabilities."""
    return None if file.adapter is None else Wrapping(file.adapter, manifest.scaling)


def to_form(pixels: NDArray[np.uint8], info: TensorInfo, wrapping: Wrapping) -> NDArray[Any]:
    """Return raw pixels, uint8 ``[N, H, W, C]``, scaled, in the layout, the shape and the type of a file's input."""
    scaling = wrapping.scaling
    values = pixels[..., ::-1] if scaling.bgr else pixels
    real = values.astype(np.float32)
    gain, offset = _affine(scaling, real.shape[-1])
    real = real * gain + offset
    if wrapping.adapter.layout == "NCHW":
        real = real.transpose(0, 3, 1, 2)
    real = real.reshape(len(real), *info.shape[1:]) if -1 not in info.shape[1:] else real
    if info.scale is not None and info.zero_point is not None:
        real = real / np.float32(info.scale) + np.float32(info.zero_point)
    if not np.issubdtype(np.dtype(info.dtype), np.integer):
        return np.ascontiguousarray(real, info.dtype)
    limits = np.iinfo(np.dtype(info.dtype))
    return np.ascontiguousarray(np.clip(np.rint(real), limits.min, limits.max), info.dtype)


def to_shares(values: NDArray[Any], info: TensorInfo, wrapping: Wrapping) -> Floats:
    """Return a file's output as probabilities, float32 ``[N, classes]``."""
    scores = values.reshape(len(values), -1).astype(np.float32)
    if info.scale is not None and info.zero_point is not None:
        scores = (scores - np.float32(info.zero_point)) * np.float32(info.scale)
    kind = wrapping.adapter.scores
    if kind == "probability of the second":
        return np.concatenate([1 - scores, scores], axis=-1)
    if kind == "score of the second":
        scores = np.concatenate([np.zeros_like(scores), scores], axis=-1)
    return scores if kind == "probabilities" else _softmax(scores)


def _affine(scaling: PixelScaling, channels: int) -> tuple[Floats, Floats]:
    """Return ``(pixel * scale - mean) / std`` as ``pixel * gain + offset``, float32 ``[C]`` each."""
    std = np.array(scaling.std)
    gain = np.broadcast_to(scaling.scale / std, channels).astype(np.float32)
    return gain, np.broadcast_to(-np.array(scaling.mean) / std, channels).astype(np.float32)


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
