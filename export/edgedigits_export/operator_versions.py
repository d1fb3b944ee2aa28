"""Which version of a TFLite operator a file really needs.

The file's own version fields cannot be trusted: converters exist that write version 1 over per-channel Dense weights,
and tflite-runtime 2.14 then loads the file and answers 0.1 for all ten digits. So versions follow from types and
quantization, by the rules of TensorFlow Lite itself (google-ai-edge/LiteRT, tflite/tools/versioning/op_version.cc and
tflite/converter/tools/versioning/op_signature.cc, read 2026-11 at commits 22f0209b and 6e59417f). Only operators of
image classifiers are listed.

One rule is meant otherwise than it is written there, for int16 activations. op_version.cc asks for the new versions 8
(CONV_2D) and 11 (FULLY_CONNECTED) wherever the option quantized_bias_type is set; TensorFlow 2.21 sets it to INT64,
which is what engines did before it existed (tflite-runtime 2.14 and LiteRT 2.3 answer alike: measured). Only an int32
bias is new. And it asks for the versions of the int16 kernels where the weights are int16, which no converter writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as an operator sees it: TFLite's type name, shape, scales (none if not quantized)."""

    kind: str
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    sparse: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """One use of an operator; inputs left out are None."""

    name: str
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand | None, ...]
    options: object = None

    def kind(self, index: int = 0) -> str:
        """Type name of an input, empty where it is left out."""
        operand = self.inputs[index] if index < len(self.inputs) else None
        return operand.kind if operand else ""

    def kinds(self) -> tuple[str, str, str]:
        """Type names of first input, second input (weights), first output."""
        output = self.outputs[0] if self.outputs else None
        return self.kind(0), self.kind(1), output.kind if output else ""

    def option(self, name: str) -> object:
        """An option's value, None where the file has none."""
        return getattr(self.options, name, None)

    def scales_along(self, index: int, axis: int) -> bool:
        """Whether an input has one scale a slice along ``axis``."""
        operand = self.inputs[index] if index < len(self.inputs) else None
        if operand is None or not operand.shape:
            return False
        return len(operand.scales) == operand.shape[axis]


_INT8 = ("INT8", "INT8", "INT8")
_HYBRID = ("FLOAT32", "INT8", "FLOAT32")
_INT4 = ("INT8", "INT4", "INT8")


def _conv_2d(op: Signature) -> int:
    kinds, weights, pixels = op.kinds(), op.inputs[1], op.inputs[0]
    if kinds[0] == "INT16" and op.kind(2) == "INT32":
        return 8
    if weights and pixels and pixels.shape and pixels.shape[-1] != weights.shape[-1]:
        return 6
    if kinds[0] == "INT16":
        return 4
    return {_INT8: 3, _INT4: 7, _HYBRID: 5 if op.scales_along(1, 0) else 2}.get(kinds, 1)


def _depthwise_conv_2d(op: Signature) -> int:
    kinds = op.kinds()
    if kinds[0] == "INT16":
        return 5
    dilated = 2 if {op.option("dilationWFactor"), op.option("dilationHFactor")} - {1, None} else 1
    return {_INT8: 3, _INT4: 7, _HYBRID: 6 if op.scales_along(1, 3) else 4}.get(kinds, dilated)


def _fully_connected(op: Signature) -> int:
    kinds = op.kinds()
    hybrid = 12 if op.scales_along(1, 0) else 9 if op.option("asymmetricQuantizeInputs") else 3
    int16 = 11 if op.kind(2) == "INT32" else 7
    # Where op_version.cc stops at the first rule that fits, the largest that fits is asked for here.
    needed = [
        {("INT16", "INT4", "INT16"): 13, ("INT16", "INT8", "INT16"): int16, ("INT16", "INT16", "INT16"): 7}.get(
            kinds, 1
        ),
        {_INT8: 4, _INT4: 10, _HYBRID: hybrid}.get(kinds, 1),
        8 if op.inputs[1] and op.inputs[1].sparse else 1,
        6 if len(op.inputs) < 3 else 1,
        5 if op.option("keepNumDims") else 1,
        2 if op.option("weightsFormat") else 1,
    ]
    return max(needed)


def _mul(op: Signature) -> int:
    kind = op.kind()
    quantized = [operand for operand in (*op.inputs, *op.outputs) if operand and operand.scales]
    if kind in {"INT16", "INT8"} and len(quantized) == 3:
        left, right, product = (operand.scales[0] for operand in quantized)
        if kind == "INT8" and product and left * right / product >= 1:
            return 3
    if kind == "INT16":
        return 4 if quantized else 7
    return {"UINT32": 7, "COMPLEX64": 6, "INT64": 5, "INT8": 2}.get(kind, 1)


def _add(op: Signature) -> int:
    if op.kind() == "INT16":
        return 3 if op.inputs[0] and op.inputs[0].scales else 5
    return {"INT64": 4, "INT8": 2}.get(op.kind(), 1)


def _sub(op: Signature) -> int:
    if op.kind() in {"INT16", "INT64"}:
        return 5 if op.kind() == "INT16" else 4
    return 3 if _broadcasts_beyond(op, 4) else 2 if op.kind() == "INT8" else 1


def _div(op: Signature) -> int:
    return 2 if _broadcasts_beyond(op, 4) else 1


def _maximum(op: Signature) -> int:
    if op.kind() == "INT16":
        return 4
    return 3 if _broadcasts_beyond(op, 4) else 2 if op.kind() == "INT8" else 1


def _broadcasts_beyond(op: Signature, axes: int) -> bool:
    shapes = [operand.shape for operand in op.inputs[:2] if operand]
    return len(set(shapes)) > 1 and max(map(len, shapes)) > axes


def _quantize(op: Signature) -> int:
    output = op.outputs[0]
    if "INT4" in {op.kind(), op.kinds()[2]}:
        return 4
    if output and len(output.scales) > 1:
        return 3
    return 2 if op.kinds()[2] == "INT16" else 1


def _dequantize(op: Signature) -> int:
    source = op.inputs[0]
    if op.kind() == "INT8" and source and len(source.scales) > 1:
        return 5
    return {"INT4": 6, "INT16": 3, "FLOAT16": 3, "INT8": 2}.get(op.kind(), 1)


def _cast(op: Signature) -> int:
    kinds = {op.kind(), op.kinds()[2]}
    for version, named in ((7, {"BFLOAT16"}), (6, {"INT4"}), (5, {"FLOAT64", "FLOAT16"}), (4, {"UINT16"})):
        if kinds & named:
            return version
    return 3 if "INT8" in kinds else 2 if "UINT32" in kinds else 1


def _pad(op: Signature) -> int:
    if op.inputs[0] and len(op.inputs[0].shape) > 4:
        return 4
    return {"BOOL": 5, "INT16": 3, "INT8": 2}.get(op.kind(), 1)


def _transpose(op: Signature) -> int:
    axes = len(op.inputs[0].shape) if op.inputs[0] else 0
    if op.kind() == "INT4" or axes > 5:
        return 7 if op.kind() == "INT4" else 6
    return {"INT16": 5}.get(op.kind(), 4 if axes > 4 else {"BOOL": 3, "INT8": 2}.get(op.kind(), 1))


def _by_type(**versions: int) -> Callable[[Signature], int]:
    """A rule that looks at the first input's type alone."""
    return lambda op: versions.get(op.kind(), 1)


_integer = _by_type(INT8=2, INT16=3)

RULES: dict[str, Callable[[Signature], int]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _integer,
    "CAST": _cast,
    "CONCATENATION": _by_type(INT8=2, INT16=3, UINT32=4),
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "DEQUANTIZE": _dequantize,
    "DIV": _div,
    "EXP": _by_type(INT8=2, INT16=2),
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _by_type(),
    "LEAKY_RELU": _by_type(INT16=2),
    "LOGISTIC": _integer,
    "MAXIMUM": _maximum,
    "MAX_POOL_2D": _integer,
    "MEAN": _integer,
    "MINIMUM": _maximum,
    "MUL": _mul,
    "PAD": _pad,
    "PADV2": _pad,
    "PRELU": _by_type(),
    "QUANTIZE": _quantize,
    "REDUCE_MAX": _integer,
    "RELU": _by_type(INT8=2, UINT8=2, INT16=3),
    "RELU6": _integer,
    "RESHAPE": _by_type(),
    "RSQRT": _integer,
    "SOFTMAX": _integer,
    "SQUARED_DIFFERENCE": _by_type(INT8=2),
    "SQUEEZE": _by_type(STRING=2),
    "SUB": _sub,
    "SUM": _by_type(INT8=2),
    "TANH": _integer,
    "TRANSPOSE": _transpose,
}
