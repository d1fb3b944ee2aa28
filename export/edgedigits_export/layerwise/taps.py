"""What flows inside a model: each Keras layer's output, each operator's result in a TFLite or ONNX file.

All for the same images and as real numbers: what a file holds as integers is dequantized with its own scale and zero
point, so a scale that lies shows like a weight that lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ModelRejectedError
from edgedigits.manifest import Format
from edgedigits_export.keras_model.frozen import OUTPUT_NAME, FrozenModel
from edgedigits_export.lazy_imports import load, quiet

_REQUANTIZE = frozenset({"QUANTIZE", "DEQUANTIZE", "QuantizeLinear", "DequantizeLinear"})


@dataclass(frozen=True, slots=True)
class Tap:
    """One place to look at a model.

    Attributes
    ----------
    name: the layer's name, or the tensor's name or index in the file.
    kind: the layer's class (``Conv2D``) or the operator (``CONV_2D``, ``Conv``).
    values: float ``[N, ...]``.

    """

    name: str
    kind: str
    values: NDArray[np.floating[Any]]


def keras_taps(frozen: FrozenModel, images: NDArray[np.uint8]) -> list[Tap]:
    """Each layer's output for raw images uint8 ``[N, H, W, C]``, in the order of computation.

    The layers of a model inside the model count as its own; a softmax that export adds, as the last one.
    """
    gain, offset = frozen.scaling.affine(frozen.input_shape[-1])
    pixels = (images.astype(np.float32) * gain + offset).reshape(-1, *frozen.model.inputs[0].shape[1:])
    taps: list[Tap] = []
    with quiet():
        _walk(frozen.model, load("tensorflow").constant(pixels), taps)
    return [*taps, Tap(OUTPUT_NAME, "softmax", frozen.predict(images))] if frozen.adds_softmax else taps


def _walk(model: Any, values: Any, taps: list[Tap]) -> Any:
    """A model's output for ``values``; what each layer made on the way is appended to ``taps``."""

    def call(layer: Any, *args: Any, **options: Any) -> Any:
        if getattr(layer, "layers", None) and len(layer.inputs) == len(layer.outputs) == 1:
            return _walk(layer, args[0], taps)
        output = layer(*args, **options)
        if hasattr(output, "shape"):
            taps.append(Tap(layer.name, type(layer).__name__, np.asarray(output)))
        return output

    functional = load("keras").Model(model.inputs[0], model.outputs[0])
    # What keras.models.clone_model calls, which gives symbols where values are wanted.
    return functional._run_through_graph(values, operation_fn=lambda layer: layer, call_fn=call)  # noqa: SLF001


def file_taps(data: bytes, format_: Format, images: NDArray[np.uint8]) -> list[Tap]:
    """Each operator's result in a model file for images uint8 ``[N, H, W, C]``, in the order of computation.

    Conversions between integers and real numbers are no places of their own, and constants are none.

    Raises
    ------
    ModelRejectedError: the engine refuses the file.

    """
    try:
        with quiet():
            found = _tflite(data, images) if format_ == "tflite" else _onnx(data, images)
    # What LiteRT and onnxruntime raise for a broken file has no narrower base.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelRejectedError(f"the file does not run with its inner results kept: {reason}") from error
    return [tap for tap in found if np.issubdtype(tap.values.dtype, np.floating)]


def _tflite(data: bytes, images: NDArray[np.uint8]) -> list[Tap]:
    schema, engine = load("ai_edge_litert.schema_py_generated"), load("ai_edge_litert.interpreter")
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    kinds = {int(op.outputs[0]): names[model.operatorCodes[op.opcodeIndex].builtinCode] for op in graph.operators}
    kept = {index: kind for index, kind in kinds.items() if kind not in _REQUANTIZE}
    # A delegate computes several operators at once and leaves nothing to see between them.
    resolver = engine.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = engine.Interpreter(
        model_content=data, experimental_preserve_all_tensors=True, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    rows: dict[int, list[Any]] = {index: [] for index in kept}
    for image in images:
        interpreter.set_tensor(graph.inputs[0], image[np.newaxis])
        interpreter.invoke()
        for index, seen in rows.items():
            seen.append(_real(interpreter.get_tensor(index), graph.tensors[index].quantization))
    return [Tap(str(index), kept[index], np.concatenate(seen)) for index, seen in rows.items()]


def _real(values: NDArray[Any], quantization: Any) -> NDArray[Any]:
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return values
    return (values.astype(np.float32) - np.float32(quantization.zeroPoint[0])) * np.float32(quantization.scale[0])


def _onnx(data: bytes, images: NDArray[np.uint8]) -> list[Tap]:
    onnx, engine = load("onnx"), load("onnxruntime")
    model = onnx.load_model_from_string(data)
    places = _places(model.graph)
    there = {entry.name for entry in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in places if name not in there)
    options = engine.SessionOptions()
    # Optimization would fuse what is to be seen apart.
    options.graph_optimization_level = engine.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = engine.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    seen = session.run(list(places), {model.graph.input[0].name: images})
    return [Tap(name, kind, values) for (name, kind), values in zip(places.items(), seen, strict=True)]


def _places(graph: Any) -> dict[str, str]:
    """The tensors to look at, with the operators that make them; behind a quantization what it leaves of them."""
    quantized = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    restored = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    fed = {entry.name for entry in graph.input}
    places = {}
    for node in graph.node:
        if not fed.intersection(node.input):
            continue
        fed.update(node.output)
        if node.op_type not in _REQUANTIZE:
            name = node.output[0]
            places[cast("str", restored.get(quantized.get(name, ""), name))] = str(node.op_type)
    return places
