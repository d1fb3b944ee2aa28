"""Which version of an operator with weights a file needs; see operator_versions.

One rule is meant otherwise than it is written there, for int16 activations. op_version.cc asks for the new versions 8
(CONV_2D) and 11 (FULLY_CONNECTED) wherever the option quantized_bias_type is set; TensorFlow 2.21 sets it to INT64,
which is what engines did before it existed (tflite-runtime 2.14 and LiteRT 2.3 answer alike: measured). Only an int32
bias is new. And it asks for the versions of the int16 kernels where the weights are int16, which no converter writes.
"""

from __future__ import annotations

from edgedigits_export.compat.op_signature import Signature

_INT8 = ("INT8", "INT8", "INT8")
_HYBRID = ("FLOAT32", "INT8", "FLOAT32")
_INT4 = ("INT8", "INT4", "INT8")


def conv_2d(op: Signature) -> int:
    """Of a convolution."""
    kinds, weights, pixels = op.kinds(), op.inputs[1], op.inputs[0]
    if kinds[0] == "INT16" and op.kind(2) == "INT32":
        return 8
    if weights and pixels and pixels.shape and pixels.shape[-1] != weights.shape[-1]:
        return 6
    if kinds[0] == "INT16":
        return 4
    return {_INT8: 3, _INT4: 7, _HYBRID: 5 if op.scales_along(1, 0) else 2}.get(kinds, 1)


def depthwise_conv_2d(op: Signature) -> int:
    """Of a convolution channel by channel."""
    kinds = op.kinds()
    if kinds[0] == "INT16":
        return 5
    dilated = 2 if {op.option("dilationWFactor"), op.option("dilationHFactor")} - {1, None} else 1
    return {_INT8: 3, _INT4: 7, _HYBRID: 6 if op.scales_along(1, 3) else 4}.get(kinds, dilated)


def fully_connected(op: Signature) -> int:
    """Of a Dense layer."""
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


def transpose_conv(op: Signature) -> int:
    """Of a transposed convolution."""
    # Its inputs are the output's shape, the weights, the pixels and perhaps a bias.
    if op.kind(2) == "INT16" and op.kind(3) == "INT32":
        return 5
    if op.option("fusedActivationFunction"):
        return 4
    return 3 if op.kind(3) else 2 if op.kind(1) == "INT8" else 1


def batch_matmul(op: Signature) -> int:
    """Of a product of two matrices, as attention has them."""
    if op.kinds() == _HYBRID:
        return 4 if op.option("asymmetricQuantizeInputs") else 1
    return {"INT16": 3, "INT8": 2}.get(op.kind(), 1)
