"""The rules of `op_versions` for operators with weights.

For int16 activations two rules differ from the source. op_version.cc asks for the new versions 8 (CONV_2D) and 11
(FULLY_CONNECTED) wherever the option quantized_bias_type is set. TensorFlow 2.21 sets it to INT64, which is what
engines did before the option existed (tflite-runtime 2.14 and LiteRT 2.3 answer alike: measured); only an int32 bias is
new. And op_version.cc asks for the versions of the int16 kernels where the weights are int16, which no converter
writes.
"""

from __future__ import annotations

from edgedigits_export.compat.op_signature import OpSignature

# Types of activations, weights and outputs. "Hybrid" is TensorFlow Lite's word for float activations with int8 weights.
_INT8 = ("INT8", "INT8", "INT8")
_HYBRID = ("FLOAT32", "INT8", "FLOAT32")
_INT4 = ("INT8", "INT4", "INT8")


def conv_2d(op: OpSignature) -> int:
    """Return the version of CONV_2D that the types and shapes need."""
    dtypes, weights, activations = op.dtypes(), op.inputs[1], op.inputs[0]
    if dtypes[0] == "INT16" and op.dtype(2) == "INT32":
        return 8
    if weights and activations and activations.shape and activations.shape[-1] != weights.shape[-1]:
        return 6
    if dtypes[0] == "INT16":
        return 4
    return {_INT8: 3, _INT4: 7, _HYBRID: 5 if op.is_per_channel(1, 0) else 2}.get(dtypes, 1)


def depthwise_conv_2d(op: OpSignature) -> int:
    """Return the version of DEPTHWISE_CONV_2D that the types, scales and dilation need."""
    dtypes = op.dtypes()
    if dtypes[0] == "INT16":
        return 5
    dilated = 2 if {op.option("dilationWFactor"), op.option("dilationHFactor")} - {1, None} else 1
    return {_INT8: 3, _INT4: 7, _HYBRID: 6 if op.is_per_channel(1, 3) else 4}.get(dtypes, dilated)


def fully_connected(op: OpSignature) -> int:
    """Return the version of FULLY_CONNECTED that the types, scales and options need.

    Where op_version.cc stops at the first rule that fits, this returns the largest version of all that fit.
    """
    dtypes = op.dtypes()
    hybrid = 12 if op.is_per_channel(1, 0) else 9 if op.option("asymmetricQuantizeInputs") else 3
    int16 = 11 if op.dtype(2) == "INT32" else 7
    needed = [
        {("INT16", "INT4", "INT16"): 13, ("INT16", "INT8", "INT16"): int16, ("INT16", "INT16", "INT16"): 7}.get(
            dtypes, 1
        ),
        {_INT8: 4, _INT4: 10, _HYBRID: hybrid}.get(dtypes, 1),
        8 if op.inputs[1] and op.inputs[1].sparse else 1,
        6 if len(op.inputs) < 3 else 1,
        5 if op.option("keepNumDims") else 1,
        2 if op.option("weightsFormat") else 1,
    ]
    return max(needed)


def transpose_conv(op: OpSignature) -> int:
    """Return the version of TRANSPOSE_CONV that the types, bias and activation need.

    Its inputs are the output's shape, the weights, the activations and, where there is one, the bias.
    """
    if op.dtype(2) == "INT16" and op.dtype(3) == "INT32":
        return 5
    if op.option("fusedActivationFunction"):
        return 4
    return 3 if op.dtype(3) else 2 if op.dtype(1) == "INT8" else 1


def batch_matmul(op: OpSignature) -> int:
    """Return the version of BATCH_MATMUL that the types need."""
    if op.dtypes() == _HYBRID:
        return 4 if op.option("asymmetricQuantizeInputs") else 1
    return {"INT16": 3, "INT8": 2}.get(op.dtype(), 1)
