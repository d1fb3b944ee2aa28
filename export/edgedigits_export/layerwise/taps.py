"""The values inside a model: the output of each Keras layer, and of each operator of a TFLite or ONNX file.

All are for the same images and are real numbers: integers of a file are dequantized with the file's own scale and zero
point, so that a wrong scale shows as a wrong weight does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ModelRejectedError
from edgedigits.manifest import Format
from edgedigits_export.convert.inner_values import open_onnx, open_tflite
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.frozen import OUTPUT_NAME, FrozenModel
from edgedigits_export.lazy_imports import load, quiet

_REQUANTIZE = frozenset({"QUANTIZE", "DEQUANTIZE", "QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True, slots=True)
class Tap:
    """The values at one point inside a model.

    Attributes
    ----------
    name: the name of the layer, or the name or index of the tensor in the file.
    kind: the class of the layer (``Conv2D``) or the type of the operator (``CONV_2D``, ``Conv``).
    values: float ``[N, ...]``.

    """

    name: str
    kind: str
    values: NDArray[np.floating[Any]]


def keras_taps(frozen: FrozenModel, images: NDArray[np.uint8]) -> list[Tap]:
    """Return each layer's output for raw images uint8 ``[N, H, W, C]``, in the order of computation.

    The layers of a model inside the model are included; a softmax that export adds is the last one.
    """
    gain, offset = frozen.scaling.affine(frozen.input_shape[-1])
    pixels = (images.astype(np.float32) * gain + offset).reshape(-1, *frozen.model.inputs[0].shape[1:])
    taps: list[Tap] = []
    with quiet():
        _walk(frozen.model, load("tensorflow").constant(pixels), taps)
    return [*taps, Tap(OUTPUT_NAME, "softmax", frozen.predict(images))] if frozen.adds_softmax else taps


def _walk(model: Any, values: Any, taps: list[Tap]) -> Any:
    """Return a model's output for ``values``, and append the output of each layer to ``taps``."""

    def call(layer: Any, *args: Any, **options: Any) -> Any:
        if getattr(layer, "layers", None) and len(layer.inputs) == len(layer.outputs) == 1:
            return _walk(layer, args[0], taps)
        output = layer(*args, **options)
        if hasattr(output, "shape"):
            taps.append(Tap(layer.name, type(layer).__name__, np.asarray(output)))
        return output

    functional = load("keras").Model(model.inputs[0], model.outputs[0])
    # keras.models.clone_model calls this too, but with symbolic tensors where values are needed here.
    return functional._run_through_graph(values, operation_fn=lambda layer: layer, call_fn=call)  # noqa: SLF001


def file_taps(data: bytes, format_: Format, images: NDArray[np.uint8]) -> list[Tap]:
    """Return each operator's output in a model file for images uint8 ``[N, H, W, C]``, in the order of computation.

    Conversions between integers and real numbers have no tap of their own, and constants have none.

    Raises
    ------
    ModelRejectedError: the engine refuses the file.

    """
    try:
        with quiet():
            taps = _tflite(data, images) if format_ == "tflite" else _onnx(data, images)
    # The exceptions of LiteRT and onnxruntime for a broken file have no narrower base class.
    except Exception as error:
        raise ModelRejectedError(
            f"expected a file that runs with the outputs of all operators kept, found: {decisive_sentence(error)}; "
            "export it again"
        ) from error
    return [tap for tap in taps if np.issubdtype(tap.values.dtype, np.floating)]


def _tflite(data: bytes, images: NDArray[np.uint8]) -> list[Tap]:
    schema = load("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    kinds = {int(op.outputs[0]): names[model.operatorCodes[op.opcodeIndex].builtinCode] for op in graph.operators}
    kept = {index: kind for index, kind in kinds.items() if kind not in _REQUANTIZE}
    interpreter = open_tflite(data)
    outputs: dict[int, list[Any]] = {index: [] for index in kept}
    for image in images:
        interpreter.set_tensor(graph.inputs[0], image[np.newaxis])
        interpreter.invoke()
        for index, values in outputs.items():
            values.append(_dequantize(interpreter.get_tensor(index), graph.tensors[index].quantization))
    return [Tap(str(index), kept[index], np.concatenate(values)) for index, values in outputs.items()]


def _dequantize(values: NDArray[Any], quantization: Any) -> NDArray[Any]:
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return values
    return (values.astype(np.float32) - np.float32(quantization.zeroPoint[0])) * np.float32(quantization.scale[0])


def _onnx(data: bytes, images: NDArray[np.uint8]) -> list[Tap]:
    model = load("onnx").load_model_from_string(data)
    tensors = _operator_outputs(model.graph)
    session = open_onnx(model, tensors)
    found = session.run(list(tensors), {model.graph.input[0].name: images})
    return [Tap(name, kind, values) for (name, kind), values in zip(tensors.items(), found, strict=True)]


def _operator_outputs(graph: Any) -> dict[str, str]:
    """Return the output tensor of each operator, with the operator's type.

    Where an output is quantized and dequantized again, the dequantized tensor takes its place. Operators that do not
    depend on the image compute constants and are left out.
    """
    quantized = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    restored = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    from_image = {entry.name for entry in graph.input}
    tensors = {}
    for node in graph.node:
        if not from_image.intersection(node.input):
            continue
        from_image.update(node.output)
        if node.op_type not in _REQUANTIZE:
            name = node.output[0]
            tensors[cast("str", restored.get(quantized.get(name, ""), name))] = str(node.op_type)
    return tensors
