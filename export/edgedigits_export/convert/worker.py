"""The process that converts: it answers one request after the other, and may crash without taking anything along.

A request is a line of JSON, ``{"variant": …, "recipe": …}`` to write a file, or ``{"variant": …, "weigh": "mse"}`` to
weigh the operators of an integer file with such ranges. The answer is a line of JSON with ``error``, which is null or
says why nothing was made. Lines with ``progress`` may come before it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.errors import UsageError
from edgedigits.manifest import Format
from edgedigits.parts import Progress
from edgedigits.records import from_plain
from edgedigits.training_record import TrainedQuantization
from edgedigits_export.convert.harm import weigh_operators
from edgedigits_export.convert.memory import give_back, keep_no_blocks
from edgedigits_export.convert.onnx import annotate_onnx, convert_onnx
from edgedigits_export.convert.onnx_int8 import OnnxQuantizer
from edgedigits_export.convert.recipe import Quantizer, Recipe
from edgedigits_export.convert.stored_model import StoredModel
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.tflite_int8 import TfliteQuantizer

CALIBRATION, OPTIONS = "calibration.npy", "options.json"
INTEGER = "int8"
# The engine whose outputs parity is judged on.
ENGINES: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}


class Worker:
    """Converts the model in a folder; what several files need is made once."""

    def __init__(self, folder: Path, stack: ExitStack, progress: Progress) -> None:
        """Open what the parent wrote there; ``stack`` closes what has to be, ``progress`` is told of long work."""
        self._folder, self._stack, self._progress = folder, stack, progress
        self._model, self._calibration = StoredModel.load(folder), np.load(folder / CALIBRATION)
        self._options = json.loads((folder / OPTIONS).read_text())
        self._quantizers: dict[str, Quantizer] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks for."""
        precision, _, format_ = request["variant"].partition(".")
        if request.get("weigh"):
            quantizer, suffix = self._quantizer(format_), f".{format_}"
            weighed = weigh_operators(
                quantizer, request["weigh"], suffix, ENGINES[format_], self._calibration, self._progress
            )
            return {"weighed": [asdict(one) for one in weighed]}
        data = self._convert(precision, format_, request["recipe"])
        (self._folder / request["variant"]).write_bytes(data)
        return {}

    def _convert(self, precision: str, format_: str, recipe: dict[str, Any]) -> bytes:
        if precision == INTEGER:
            data = self._quantizer(format_).quantize(Recipe(recipe["ranges"], tuple(recipe["in_float"])))
        elif format_ == "tflite":
            data = convert_tflite(self._model, precision, self._calibration, self._progress)
        else:
            data = self._float32_onnx
        if format_ == "tflite":
            return data
        return annotate_onnx(data, {**self._options["onnx_metadata"], "precision": precision})

    @cached_property
    def _trained(self) -> TrainedQuantization | None:
        told = self._options["trained"]
        return None if told is None else from_plain(TrainedQuantization, told, OPTIONS)

    @cached_property
    def _float32_onnx(self) -> bytes:
        return convert_onnx(self._model, self._options["opset"])

    def _quantizer(self, format_: str) -> Quantizer:
        if format_ not in self._quantizers:
            self._quantizers[format_] = (
                TfliteQuantizer(self._model, self._calibration, self._trained, self._progress)
                if format_ == "tflite"
                else self._stack.enter_context(OnnxQuantizer(self._float32_onnx, self._calibration, self._progress))
            )
        return self._quantizers[format_]


def request_of(variant: str, recipe: Recipe) -> dict[str, Any]:
    """Return the request to convert a variant."""
    return {"variant": variant, "recipe": asdict(recipe)}


def _serve(folder: Path) -> None:
    """Answer the requests on standard input until it ends."""
    keep_no_blocks()
    # A copy of standard output, because that is turned off while converters work, which write to it.
    with ExitStack() as stack, os.fdopen(os.dup(sys.stdout.fileno()), "w") as parent:

        def report(line: dict[str, Any]) -> None:
            print(json.dumps(line), file=parent, flush=True)

        worker = Worker(folder, stack, lambda text: report({"progress": text}))
        for line in sys.stdin:
            try:
                report(worker.answer(json.loads(line)) | {"error": None})
            except UsageError as error:
                report({"error": str(error)})
            give_back()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
