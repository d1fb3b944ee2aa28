"""Convert a model to the variants of a bundle, in a process of its own: a converter may crash and take nothing along.

One process converts all variants, one after the other. Where it dies, what it was asked for cannot be made, and another
process takes the next request.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.isolation import how_it_died
from edgedigits.manifest import Format, LeftOut, Precision
from edgedigits.parts import Progress, silent
from edgedigits.scratch import ScratchFolder
from edgedigits.training_record import TrainedQuantization
from edgedigits_export.convert import worker
from edgedigits_export.convert.memory import give_back
from edgedigits_export.convert.recipe import WHOLE, Operator, RangeMethod, Recipe, WeighedOperator
from edgedigits_export.convert.stored_model import Convertible, store_model
from edgedigits_export.convert.worker import CALIBRATION, OPTIONS, request_of

ONNX_PRECISIONS: tuple[Precision, ...] = ("float32", "int8")


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

    ``onnx_metadata`` is written into ONNX files, together with their precision. ``trained`` is the grid that the model
    was trained on, which is that of TFLite's int8 file alone; None for a model that was trained in float.
    """

    opset: int
    calibration: NDArray[np.uint8]
    onnx_metadata: Mapping[str, str]
    trained: TrainedQuantization | None = None


class Converter(AbstractContextManager["Converter"]):
    """Converts one model to as many files as are asked for."""

    def __init__(self, model: Convertible, options: ConvertOptions, *, contract: bool) -> None:
        """Store a model for the process that converts; ``contract`` says that ONNX files will be asked for."""
        self._place = ScratchFolder()
        self._folder = Path(self._place.name)
        self._process: subprocess.Popen[str] | None = None
        store_model(model, self._folder, contract=contract)
        give_back()
        np.save(self._folder / CALIBRATION, options.calibration)
        trained = None if options.trained is None else asdict(options.trained)
        told = {"opset": options.opset, "onnx_metadata": dict(options.onnx_metadata), "trained": trained}
        (self._folder / OPTIONS).write_text(json.dumps(told))

    def __exit__(self, *_: object) -> None:
        """End the process and remove its files."""
        self._end()
        self._place.cleanup()

    def convert(self, variant: Variant, recipe: Recipe = WHOLE, progress: Progress = silent) -> ConvertedFile:
        """Return the file of a variant; the recipe is for integer files, and ``progress`` is told of long work.

        Raises
        ------
        UsageError: it cannot be made; the message says why.

        """
        self._ask(request_of(variant.name, recipe), lambda done: progress(f"{variant.name}: {done}"))
        return ConvertedFile(variant, (self._folder / variant.name).read_bytes())

    def weigh(self, variant: Variant, ranges: RangeMethod, progress: Progress) -> list[WeighedOperator]:
        """Return the operators of an integer variant in their order, each with its harm (see `harm`).

        Raises
        ------
        UsageError: a file that is needed for it cannot be made.

        """
        weighed = self._ask({"variant": variant.name, "weigh": ranges}, progress)["weighed"]
        return [WeighedOperator(Operator(**one["operator"]), one["harm"]) for one in weighed]

    def _ask(self, request: dict[str, Any], progress: Progress) -> dict[str, Any]:
        process = self._running()
        print(json.dumps(request), file=process.stdin, flush=True)
        for line in process.stdout or ():
            answer: dict[str, Any] = json.loads(line)
            if "progress" in answer:
                progress(answer["progress"])
            elif answer["error"] is None:
                return answer
            else:
                raise UsageError(answer["error"])
        died = how_it_died(process.wait(), (self._folder / "errors").read_text())
        self._end()
        raise UsageError(f"the converter {died}")

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            command = [sys.executable, "-m", worker.__name__, str(self._folder)]
            with (self._folder / "errors").open("w") as errors:
                self._process = subprocess.Popen(  # noqa: S603  our own module
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
                )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None


def convert_variants(
    converter: Converter, variants: Sequence[Variant], progress: Progress
) -> tuple[tuple[ConvertedFile, ...], tuple[LeftOut, ...]]:
    """Convert a model to each of ``variants``; return the files in their order, and what could not be made."""
    files: dict[Variant, ConvertedFile] = {}
    left_out: list[LeftOut] = []
    # Integer files first: making them takes most memory, and each float file that waits beside it holds all weights.
    for variant in sorted(variants, key=lambda one: one.precision != worker.INTEGER):
        progress(f"converting {variant.name}")
        try:
            files[variant] = converter.convert(variant, progress=progress)
        except UsageError as error:
            left_out.append(LeftOut(variant.name, str(error), _cure(variant)))
    return tuple(files[variant] for variant in variants if variant in files), tuple(left_out)


def _cure(variant: Variant) -> str:
    return f"leave it out with --variants, or take another precision than {variant.precision}"
