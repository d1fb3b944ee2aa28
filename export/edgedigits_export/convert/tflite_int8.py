"""Quantize a model to int8 TFLite: one conversion and one calibration, then as many files as recipes are tried."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.parts import Progress, silent
from edgedigits.training_record import TrainedQuantization
from edgedigits_export.convert.inner_values import open_tflite
from edgedigits_export.convert.kept_float import Node, normalizations
from edgedigits_export.convert.ranges import Histogram, range_of
from edgedigits_export.convert.recipe import Operator, RangeMethod, Recipe
from edgedigits_export.convert.stored_model import Convertible
from edgedigits_export.convert.tflite_converter import converter_of, samples_of
from edgedigits_export.convert.tflite_graph import add_contract
from edgedigits_export.convert.trained_ranges import float_operators, impose_ranges
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.lazy_imports import load, quiet

# So many images, evenly spaced, fill the histograms: every value of every tensor of a large model takes its time.
_COUNTED = 100


class TfliteQuantizer:
    """Makes int8 TFLite files of a model.

    The converter writes a float32 file with the lowest and the highest value of each activation in it; its quantizer
    makes every int8 file of that, with other ranges written into it, and with the operators left out that stay in
    float. What normalises by a variance always does (see `normalizations`).
    """

    def __init__(
        self,
        model: Convertible,
        calibration: NDArray[np.uint8],
        trained: TrainedQuantization | None = None,
        progress: Progress = silent,
    ) -> None:
        """Convert and calibrate on raw images uint8 ``[N, H, W, C]``; ``progress`` is told how many are done.

        ``trained`` is the grid that the model was trained on: its ranges stand in every file, and its layers in float
        stay so.

        Raises
        ------
        UsageError: there are no images, or the converter cannot express a layer with TFLite's own operators.

        """
        if not len(calibration):
            raise UsageError("int8 needs calibration images, found none; name them with --calibration")
        self._calibration, self._any_size, self._trained = calibration, model.any_size, trained
        scores, self._needs_softmax = model.scores_function()
        self._calibrated = self._calibrate(scores, progress)
        self._schema = load("ai_edge_litert.schema_py_generated")

    def _calibrate(self, scores: Any, progress: Progress) -> bytes:
        tf = load("tensorflow")
        try:
            with quiet():
                converter = converter_of(scores)
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.representative_dataset = samples_of(self._calibration, progress)
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                converter._experimental_calibrate_only = True  # noqa: SLF001  its quantizer has no other entrance
                return bytes(converter.convert())
        # The converter's errors share no base narrower than Exception.
        except Exception as error:
            reason = decisive_sentence(error)
            raise UsageError(f"the model cannot be converted to TFLite int8: {reason}") from error

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The operators, each by the name of its first output, in the order of computation."""
        model = self._parsed()
        graph = model.subgraphs[0]

        def constants(index: int) -> int:
            data = model.buffers[graph.tensors[index].buffer].data if index >= 0 else None
            return 0 if data is None else len(data) // 4

        return tuple(
            Operator(name, sum(constants(int(index)) for index in one.inputs))
            for name, one in zip(self._names(graph), graph.operators, strict=True)
            if name not in self._kept_float
        )

    def quantize(self, recipe: Recipe) -> bytes:
        """Return the file of a recipe, with the contract.

        Raises
        ------
        UsageError: the quantizer fails, or the model lacks a layer that it was trained with (see `impose_ranges`).

        """
        quantizer = load("tensorflow.lite.python.convert")
        try:
            with quiet():
                quantized = quantizer.mlir_quantize(
                    self._with_ranges(recipe.ranges),
                    disable_per_channel_for_dense_layers=True,
                    denylisted_nodes={*self._in_float, *self._kept_float, *recipe.in_float} or None,
                )
        except UsageError:
            raise
        # As above.
        except Exception as error:
            raise UsageError(f"the model cannot be quantized to TFLite int8: {decisive_sentence(error)}") from error
        return add_contract(bytes(quantized), needs_softmax=self._needs_softmax, any_size=self._any_size)

    @cached_property
    def _kept_float(self) -> frozenset[str]:
        """The names of the operators that are never quantized."""
        model = self._parsed()
        graph = model.subgraphs[0]
        kinds = {value: name for name, value in vars(self._schema.BuiltinOperator).items()}
        nodes = [
            Node(kinds[model.operatorCodes[one.opcodeIndex].builtinCode], tuple(one.inputs), tuple(one.outputs))
            for one in graph.operators
        ]
        names = self._names(graph)
        return frozenset(names[index] for index in normalizations(nodes))

    @staticmethod
    def _names(graph: Any) -> list[str]:
        """Return the names by which the quantizer knows operators: those of their first outputs."""
        return [graph.tensors[one.outputs[0]].name.decode() for one in graph.operators]

    def _parsed(self) -> Any:
        return self._schema.ModelT.InitFromPackedBuf(self._calibrated, 0)

    @cached_property
    def _in_float(self) -> tuple[str, ...]:
        """The operators that the model was trained with in float."""
        return float_operators(self._calibrated, self._trained.float_layers) if self._trained else ()

    def _with_ranges(self, method: RangeMethod) -> bytes:
        """Return the calibrated float32 file with each activation's range as trained, or else by ``method``."""
        data = self._calibrated if method == "min-max" else self._with_ranges_of_images(method)
        return impose_ranges(data, self._trained.ranges) if self._trained else data

    def _with_ranges_of_images(self, method: RangeMethod) -> bytes:
        data = bytearray(self._calibrated)
        graph = self._schema.Model.GetRootAs(data, 0).Subgraphs(0)
        for index, histogram in self._histograms.items():
            quantization = graph.Tensors(index).Quantization()
            # Views of the file, in which the converter wrote each range once.
            quantization.MinAsNumpy()[:], quantization.MaxAsNumpy()[:] = range_of(histogram, method)
        return bytes(data)

    @cached_property
    def _histograms(self) -> dict[int, Histogram]:
        """The histograms of all activations that the calibration gave a range, by the index of their tensor."""
        tensors = self._parsed().subgraphs[0].tensors
        found = {
            index: Histogram.between(float(tensor.quantization.min[0]), float(tensor.quantization.max[0]))
            for index, tensor in enumerate(tensors)
            if tensor.quantization is not None and tensor.quantization.min is not None and len(tensor.quantization.min)
        }
        interpreter = open_tflite(self._calibrated)
        (pixels,) = interpreter.get_input_details()
        for row in np.unique(np.linspace(0, len(self._calibration) - 1, _COUNTED).astype(int)):
            interpreter.set_tensor(pixels["index"], self._calibration[row, np.newaxis].astype(np.float32))
            interpreter.invoke()
            for index, histogram in found.items():
                histogram.add(interpreter.get_tensor(index))
        return found
