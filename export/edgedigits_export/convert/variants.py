"""Convert a model to every variant of a bundle: the first of export's steps, which runs no file yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.manifest import Format, Precision
from edgedigits_export.convert.onnx import annotate_onnx, convert_onnx, quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import FrozenModel

ONNX_PRECISIONS: tuple[Precision, ...] = ("float32", "int8")


class Variant(NamedTuple):
    """A precision in one format, which makes one model file."""

    precision: Precision
    format: Format


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """A model file's bytes, and the variant that they are."""

    variant: Variant
    data: bytes


def convert_variants(
    frozen: FrozenModel,
    variants: Sequence[Variant],
    *,
    opset: int,
    calibration: NDArray[np.uint8],
    onnx_metadata: Mapping[str, str],
    progress: Callable[[str], object],
) -> tuple[ConvertedFile, ...]:
    """Convert a model to each of ``variants``, in their order.

    ``calibration``, uint8 ``[N, H, W, C]``, sets the ranges of int8 files. ``onnx_metadata`` is written into ONNX
    files, together with their precision.

    Raises
    ------
    UsageError: an opset or a layer that a converter cannot express, or no calibration images where they are needed.

    """
    converted = []
    onnx_float32: bytes | None = None
    for variant in variants:
        progress(f"converting {variant.precision}.{variant.format}")
        if variant.format == "tflite":
            data = convert_tflite(frozen, variant.precision, calibration)
        else:
            onnx_float32 = onnx_float32 or convert_onnx(frozen, opset)
            data = onnx_float32 if variant.precision == "float32" else quantize_onnx(onnx_float32, calibration)
            data = annotate_onnx(data, {**onnx_metadata, "precision": variant.precision})
        converted.append(ConvertedFile(variant, data))
    return tuple(converted)
