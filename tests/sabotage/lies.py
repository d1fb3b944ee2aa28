"""Ways to make a .tflite file lie; each changes the parsed content in place, as the fixture `rewrite` needs it."""

from __future__ import annotations

from typing import Any

import numpy as np


def floats(model: Any, tensor: Any) -> Any:
    """Return the content of a float tensor, in its own shape."""
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32).reshape(tensor.shape)


def put(model: Any, tensor: Any, values: Any) -> None:
    """Replace the content of a tensor."""
    model.buffers[tensor.buffer].data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)


def operators(schema: Any, model: Any, graph: Any, name: str) -> list[Any]:
    """Return the operators of the graph of one kind."""
    wanted = getattr(schema.BuiltinOperator, name)
    return [one for one in graph.operators if model.operatorCodes[one.opcodeIndex].builtinCode == wanted]


def dense_per_channel_as_version_1(schema: Any, model: Any, graph: Any) -> None:
    """Quantize Dense weights to int8 with one scale a row, declared as version 1, as recipe dynamic_wi8_afp32 does."""
    (dense,) = operators(schema, model, graph, "FULLY_CONNECTED")
    weights = graph.tensors[dense.inputs[1]]
    values = floats(model, weights)
    scales = np.abs(values).max(axis=1) / 127
    put(model, weights, np.rint(values / scales[:, np.newaxis]).astype(np.int8))
    weights.type = schema.TensorType.INT8
    weights.quantization = schema.QuantizationParametersT()
    weights.quantization.scale, weights.quantization.zeroPoint = list(scales), [0] * len(scales)
    model.operatorCodes[dense.opcodeIndex].version = 1


def softmax_in_int8(schema: Any, model: Any, graph: Any) -> None:
    """Compute Softmax on int8 scores and dequantize after it, as converters do that quantize every operator."""
    softmax = operators(schema, model, graph, "SOFTMAX")[0]
    dequantize = operators(schema, model, graph, "DEQUANTIZE")[0]
    rounded = schema.TensorT()
    rounded.type, rounded.shape = schema.TensorType.INT8, list(graph.tensors[softmax.outputs[0]].shape)
    rounded.buffer, rounded.quantization = 0, schema.QuantizationParametersT()
    rounded.quantization.scale, rounded.quantization.zeroPoint = [1 / 256], [-128]
    graph.tensors.append(rounded)
    end = softmax.outputs[0]
    softmax.inputs, softmax.outputs = dequantize.inputs, [len(graph.tensors) - 1]
    dequantize.inputs, dequantize.outputs = softmax.outputs, [end]
    first = graph.operators.index(dequantize)
    graph.operators[first : first + 2] = [softmax, dequantize]
    model.operatorCodes[softmax.opcodeIndex].version = 2


def bytes_read_as_int8(schema: Any, model: Any, graph: Any) -> None:
    """Read the bytes 0 to 255 of the image as -128 to 127, so that ink above 127 becomes negative."""
    graph.tensors[graph.inputs[0]].type = schema.TensorType.INT8
    for cast in operators(schema, model, graph, "CAST"):
        model.operatorCodes[cast.opcodeIndex].version = 3
        cast.builtinOptions.inDataType = schema.TensorType.INT8


def scale_forgotten(schema: Any, model: Any, graph: Any) -> None:
    """Let the first layer expect pixels from 0 to 1, while the input has 0 to 255."""
    weights = graph.tensors[operators(schema, model, graph, "CONV_2D")[0].inputs[1]]
    put(model, weights, floats(model, weights) * np.float32(255))


def wrong_polarity(schema: Any, model: Any, graph: Any) -> None:
    """Let the first layer expect dark ink on white."""
    first = operators(schema, model, graph, "CONV_2D")[0]
    weights, bias = (graph.tensors[index] for index in first.inputs[1:3])
    values = floats(model, weights)
    put(model, bias, floats(model, bias) + 255 * values.sum(axis=(1, 2, 3)))
    put(model, weights, -values)


def calibrated_on_dim_images(schema: Any, model: Any, graph: Any) -> None:
    """Set ranges as calibration on images from 0 to 1 would: the first layer saturates at pixels from 1 on.

    The scale of its weights grows as the scale of the image shrinks, so that the products keep their scale and engines
    have nothing to refuse.
    """
    first = operators(schema, model, graph, "CONV_2D")[0]
    image, weights = (graph.tensors[index].quantization for index in first.inputs[:2])
    image.scale = [scale / 255 for scale in image.scale]
    weights.scale = [scale * 255 for scale in weights.scale]
