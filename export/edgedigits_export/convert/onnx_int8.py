"""Quantize a float32 ONNX file to static int8 (QDQ) by onnxruntime, as many times as recipes are tried."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.parts import Progress, in_parts, silent
from edgedigits.scratch import ScratchFolder
from edgedigits_export.convert import onnx_graph
from edgedigits_export.convert.inner_values import open_onnx
from edgedigits_export.convert.onnx import parse_onnx, serialize_onnx
from edgedigits_export.convert.ranges import Histogram, range_of
from edgedigits_export.convert.recipe import WHOLE, Operator, RangeMethod, Recipe
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.frozen import INPUT_NAME
from edgedigits_export.lazy_imports import load, quiet

# So many images, evenly spaced, fill the histograms: every value of every tensor of a large model takes its time.
_COUNTED = 100


class OnnxQuantizer(AbstractContextManager["OnnxQuantizer"]):
    """Makes int8 files of a float32 ONNX file of `convert_onnx`, with the same opset and contract.

    Weights are int8 with one scale for each channel, activations int8. The operators before the first weights (cast,
    scaling) and the softmax always stay float32.
    """

    def __init__(self, float32: bytes, calibration: NDArray[np.uint8], progress: Progress = silent) -> None:
        """Prepare a file, calibrated on raw images uint8 ``[N, H, W, C]``; ``progress`` is told how many are done.

        Raises
        ------
        UsageError: there are no images, or onnxruntime cannot prepare the file.

        """
        if not len(calibration):
            raise UsageError("int8 needs calibration images, found none; name them with --calibration")
        self._quantization, self._progress = load("onnxruntime.quantization"), progress
        source = parse_onnx(float32)
        self._opset, self._ir_version, self._calibration = onnx_graph.opset(source), source.ir_version, calibration
        # Files and not objects: quant_pre_process moves the weights of a model given as an object to external data.
        self._place = ScratchFolder()
        given, self._prepared = (Path(self._place.name, name) for name in ("given", "prepared"))
        given.write_bytes(float32)
        try:
            with quiet():
                self._quantization.quant_pre_process(given, self._prepared, skip_symbolic_shape=True)
        # onnxruntime's Python errors share no base narrower than Exception.
        except Exception as error:
            raise _refused(error) from error
        self._float_nodes = onnx_graph.float_nodes(self._parsed())

    def __exit__(self, *_: object) -> None:
        """Remove the files in between."""
        self._place.cleanup()

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The nodes that onnxruntime quantizes, in the order of computation."""
        registry = load("onnxruntime.quantization.registry")
        kinds = {*registry.QLinearOpsRegistry, *registry.QDQRegistry}
        graph = self._parsed().graph
        sizes = {entry.name: math.prod(entry.dims) for entry in graph.initializer}
        return tuple(
            Operator(node.name, sum(sizes.get(name, 0) for name in node.input))
            for node in graph.node
            if node.op_type in kinds and node.name not in self._float_nodes
        )

    def quantize(self, recipe: Recipe) -> bytes:
        """Return the file of a recipe.

        Raises
        ------
        UsageError: onnxruntime cannot quantize the model.

        """
        quantization, quantized = self._quantization, Path(self._place.name, "quantized")
        try:
            ranges = self._ranges_by(recipe.ranges)
            with quiet():
                quantization.quantize_static(
                    self._prepared,
                    quantized,
                    self._reader(),
                    quant_format=quantization.QuantFormat.QDQ,
                    activation_type=quantization.QuantType.QInt8,
                    weight_type=quantization.QuantType.QInt8,
                    per_channel=True,
                    # Weights of 7 bits: with 8, x86 processors without VNNI add pairs of products in 16 bits, which
                    # overflow silently (7 of 1,000 digits got another class than on other machines; now none).
                    reduce_range=True,
                    nodes_to_exclude=[*self._float_nodes, *recipe.in_float],
                    calibration_cache_path=ranges,
                )
            model = parse_onnx(quantized.read_bytes())
        # As above.
        except Exception as error:
            raise _refused(error) from error
        model.ir_version = self._ir_version
        onnx_graph.keep_used_opsets(model, self._opset)
        return serialize_onnx(model)

    def _parsed(self) -> Any:
        return parse_onnx(self._prepared.read_bytes())

    def _ranges_by(self, method: RangeMethod) -> Path:
        """Return the file of ranges for onnxruntime, which writes that of the lowest and highest values itself."""
        path = Path(self._place.name, method)
        if method == "min-max" or path.exists():
            return path
        calibrate = load("onnxruntime.quantization.calibrate")
        known = self._min_max()
        for name, histogram in self._histograms.items():
            low, high = (np.array(end, np.float32) for end in range_of(histogram, method))
            known.data[name] = calibrate.TensorData(lowest=low, highest=high)
        calibrate.save_tensors_data(known, path)
        return path

    def _min_max(self) -> Any:
        calibrated = Path(self._place.name, "min-max")
        if not calibrated.exists():
            self.quantize(WHOLE)
        return load("onnxruntime.quantization.calibrate").load_tensors_data(calibrated)

    @cached_property
    def _histograms(self) -> dict[str, Histogram]:
        ranges = {name: data.range_value for name, data in self._min_max().data.items()}
        found = {
            name: Histogram.between(float(np.min(low)), float(np.max(high))) for name, (low, high) in ranges.items()
        }
        session = open_onnx(self._parsed(), found)
        for row in np.unique(np.linspace(0, len(self._calibration) - 1, _COUNTED).astype(int)):
            values = session.run(list(found), {INPUT_NAME: self._calibration[row, np.newaxis]})
            for histogram, value in zip(found.values(), values, strict=True):
                histogram.add(value)
        return found

    def _reader(self) -> Any:
        """Return onnxruntime's reader of calibration data, which gives one image at a time."""
        images = in_parts(self._calibration, 1, lambda done: self._progress(f"calibrating, {done}"))

        class Reader(self._quantization.CalibrationDataReader):  # type: ignore[misc,name-defined]
            def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
                image = next(images, None)
                return None if image is None else {INPUT_NAME: image}

        return Reader()


def _refused(error: Exception) -> UsageError:
    return UsageError(f"the model cannot be quantized by onnxruntime: {decisive_sentence(error)}")


def quantize_onnx(float32: bytes, calibration: NDArray[np.uint8]) -> bytes:
    """Return the whole int8 form of a float32 ONNX file of `convert_onnx`.

    Raises
    ------
    UsageError: there are no calibration images, or onnxruntime cannot quantize the model.

    """
    with OnnxQuantizer(float32, calibration) as quantizer:
        return quantizer.quantize(WHOLE)
