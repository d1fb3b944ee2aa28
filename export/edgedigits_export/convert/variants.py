"""Convert a model to every variant of a bundle, in a process of its own: a converter may crash and take nothing along.

One process converts all variants, one after the other, and reports each. Where it dies, the variant that it was at is
left out, and another process goes on with the next.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.isolation import how_it_died
from edgedigits.manifest import Format, LeftOut, Precision
from edgedigits_export.convert.onnx import annotate_onnx, convert_onnx, quantize_onnx
from edgedigits_export.convert.stored_model import Convertible, StoredModel, store_model
from edgedigits_export.convert.tflite import convert_tflite

ONNX_PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
_CALIBRATION, _OPTIONS = "calibration.npy", "options.json"


class Variant(NamedTuple):
    """A precision in one format, which makes one model file."""

    precision: Precision
    format: Format

    @property
    def name(self) -> str:
        """The variant as options name it, such as ``int8.tflite``."""
        return f"{self.precision}.{self.format}"


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """A model file's bytes, and the variant that they are."""

    variant: Variant
    data: bytes


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """How to convert: ``calibration``, uint8 ``[N, H, W, C]``, sets the ranges of int8 files, ``opset`` is of ONNX.

    ``onnx_metadata`` is written into ONNX files, together with their precision.
    """

    opset: int
    calibration: NDArray[np.uint8]
    onnx_metadata: Mapping[str, str]


def convert_variants(
    model: Convertible, variants: Sequence[Variant], options: ConvertOptions, progress: Callable[[str], object]
) -> tuple[tuple[ConvertedFile, ...], tuple[LeftOut, ...]]:
    """Convert a model to each of ``variants``; return the files in their order, and what could not be made."""
    files: list[ConvertedFile] = []
    left_out: list[LeftOut] = []
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as place:
        folder = Path(place)
        store_model(model, folder, contract=any(variant.format == "onnx" for variant in variants))
        np.save(folder / _CALIBRATION, options.calibration)
        told = {"opset": options.opset, "onnx_metadata": dict(options.onnx_metadata)}
        (folder / _OPTIONS).write_text(json.dumps(told))
        waiting = list(variants)
        while waiting:
            for variant, reason in _convert_in_process(folder, tuple(waiting), progress):
                waiting.remove(variant)
                if reason is None:
                    files.append(ConvertedFile(variant, (folder / variant.name).read_bytes()))
                else:
                    left_out.append(LeftOut(variant.name, reason, _cure(variant)))
    return tuple(files), tuple(left_out)


def _convert_in_process(
    folder: Path, variants: Sequence[Variant], progress: Callable[[str], object]
) -> Iterator[tuple[Variant, str | None]]:
    """Yield each variant with the reason why it could not be made, until all are done or the process dies."""
    command = [sys.executable, "-m", __name__, str(folder), *(variant.name for variant in variants)]
    with (
        (folder / "errors").open("w+") as errors,
        subprocess.Popen(  # noqa: S603  our own module
            command, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        for variant in variants:
            progress(f"converting {variant.name}")
            reply = process.stdout.readline() if process.stdout else ""
            if not reply:
                died = how_it_died(process.wait(), (folder / "errors").read_text())
                yield variant, f"the converter {died}"
                return
            yield variant, json.loads(reply)


def _cure(variant: Variant) -> str:
    return f"leave it out with --variants, or take another precision than {variant.precision}"


def _convert_here(place: str, names: Sequence[str]) -> None:
    """Convert the model in a folder; write each variant there, and a line of JSON for each: null, or why not."""
    folder = Path(place)
    model, calibration = StoredModel.load(folder), np.load(folder / _CALIBRATION)
    options = ConvertOptions(calibration=calibration, **json.loads((folder / _OPTIONS).read_text()))
    for name in names:
        try:
            (folder / name).write_bytes(_convert(model, name, options, folder))
            reason = None
        except UsageError as error:
            reason = str(error)
        print(json.dumps(reason), flush=True)


def _convert(model: StoredModel, name: str, options: ConvertOptions, folder: Path) -> bytes:
    precision, _, format_ = name.partition(".")
    if format_ == "tflite":
        return convert_tflite(model, precision, options.calibration)
    made = folder / "float32"
    if not made.exists():
        made.write_bytes(convert_onnx(model, options.opset))
    data = made.read_bytes()
    data = data if precision == "float32" else quantize_onnx(data, options.calibration)
    return annotate_onnx(data, {**options.onnx_metadata, "precision": precision})


if __name__ == "__main__":
    _convert_here(sys.argv[1], sys.argv[2:])
