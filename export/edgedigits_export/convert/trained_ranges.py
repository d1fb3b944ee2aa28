"""A network that was trained on the grid of its int8 TFLite file brings its ranges along: write them into the file.

A converted file has tensors where the Keras model has layers, and an operator may compute several layers. TensorFlow
names a tensor by the layers, so that the last of them tells whose output it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from edgedigits.errors import UsageError
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.lazy_imports import load

_SCHEMA = "ai_edge_litert.schema_py_generated"
# Keras opens a layer's name scope twice, to build it and to call it; TensorFlow then tells the second by a number.
_SECOND = re.compile(r"_\d+$")


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
