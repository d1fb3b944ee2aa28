"""Convert a network that was trained on the grid of its int8 TFLite file: the ranges are its own, not those of images.

A converted file has tensors where the Keras model has layers, and an operator may compute several layers. TensorFlow
names a tensor by the layers, so that the last of them tells whose output it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.training_record import TrainedQuantization
from edgedigits_export.convert.stored_model import Convertible
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.convert.tflite_graph import add_contract
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.lazy_imports import load, quiet

_SCHEMA = "ai_edge_litert.schema_py_generated"
# Keras opens a layer's name scope twice, to build it and to call it; TensorFlow then tells the second by a number.
_SECOND = re.compile(r"_\d+$")


def convert_trained(frozen: Convertible, trained: TrainedQuantization, images: NDArray[np.uint8]) -> bytes:
    """Return the int8 file, as `convert_tflite` does, of a model with the ranges that it was trained with.

    ``images``, uint8 ``[N, H, W, C]``, give ranges to what is between the operators of a layer; a few are enough.

    Raises
    ------
    UsageError: the converter cannot express a layer, or see `impose_ranges`.

    """
    scores, needs_softmax = frozen.scores_function()
    try:
        with quiet():
            calibrated = _calibrated(scores, images)
            layers = float_operators(calibrated, trained.float_layers)
            quantized = load("tensorflow.lite.python.convert").mlir_quantize(
                impose_ranges(calibrated, trained.ranges),
                disable_per_channel_for_dense_layers=True,
                denylisted_nodes=list(layers),
            )
    except UsageError:
        raise
    # The converter's errors share no base narrower than Exception.
    except Exception as error:
        raise UsageError(f"the model cannot be converted to TFLite int8: {decisive_sentence(error)}") from error
    return add_contract(bytes(quantized), needs_softmax=needs_softmax, any_size=frozen.any_size)


def impose_ranges(calibrated: bytes, ranges: Mapping[str, tuple[float, float]]) -> bytes:
    """Return a float TFLite file with other minima and maxima: those of ``ranges``, by the names of Keras layers.

    ``calibrated`` is a file of TensorFlow's calibrator, which holds the names of its tensors and the ranges that it saw
    in them. The first of ``ranges`` is the input's; the others are in the order of computation.

    Raises
    ------
    UsageError: a layer has no tensor in the file.

    """
    schema = load(_SCHEMA)
    model = schema.ModelT.InitFromPackedBuf(calibrated, 0)
    graph = model.subgraphs[0]
    first, *layers = ranges
    tensors = {first: graph.inputs[0]} | _outputs(graph, layers)
    if missing := [name for name in ranges if name not in tensors]:
        raise UsageError(
            f"expected a tensor of each layer that has a trained range, found none of {missing[0]!r}; "
            "name the model.keras that lies beside its train.json"
        )
    for name, index in tensors.items():
        low, high = ranges[name]
        quantization = graph.tensors[index].quantization
        quantization.min, quantization.max = [low], [high]
    return pack(schema, model)


def float_operators(calibrated: bytes, layers: Collection[str]) -> tuple[str, ...]:
    """Return the names of the operators that compute ``layers``, as the converter's ``denylisted_nodes`` takes them."""
    graph = load(_SCHEMA).ModelT.InitFromPackedBuf(calibrated, 0).subgraphs[0]
    names = (_name(graph, operator) for operator in graph.operators)
    return tuple(name for name in names if _layers_in(name) & set(layers))


def _calibrated(scores: Any, images: NDArray[np.uint8]) -> bytes:
    tf = load("tensorflow")
    converter = tf.lite.TFLiteConverter.from_concrete_functions([scores])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis].astype(np.float32)] for image in images)
    converter._experimental_calibrate_only = True  # noqa: SLF001  # what the converter's own debugger sets
    return bytes(converter.convert())


def _outputs(graph: Any, layers: list[str]) -> dict[str, int]:
    """Return the tensor that is the output of each layer: of several that are named by it, the last."""
    found = {}
    for operator in graph.operators:
        if named := _layers_in(_name(graph, operator)).intersection(layers):
            found[max(named, key=layers.index)] = int(operator.outputs[0])
    return found


def _name(graph: Any, operator: Any) -> str:
    return str(graph.tensors[operator.outputs[0]].name.decode())


def _layers_in(name: str) -> set[str]:
    """Return the layers in a name such as ``net_1/relu_1/Relu;net_1/conv_1/BiasAdd;net_1/conv_1/convolution``."""
    paths = (path.split("/") for path in name.split(";"))
    return {_SECOND.sub("", path[1]) for path in paths if len(path) > 1}
