"""Which limits of `limits.toml` one use of a TFLite operator runs into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from edgedigits_export.compat.limits import Limit, known_limits
from edgedigits_export.compat.op_signature import Operand, OpSignature

_LIMITS = {"INT8": (-128, 127), "UINT8": (0, 255), "INT16": (-32768, 32767)}
# XNNPACK, LiteRT's default on a CPU, multiplies sums by less than this.
_LARGEST_RESCALE = 256
# As kernel_util.cc has it.
_LARGEST_BIAS_ERROR = 0.02


def tflite_limits(op: OpSignature, types: str) -> list[Limit]:
    """Return the limits that one use of an operator runs into; ``types`` are its kernel's."""
    return [limit for limit in known_limits()["tflite"] if limit.is_of(op.name, types) and _applies(limit, op)]


def _applies(limit: Limit, op: OpSignature) -> bool:
    ranks = [len(operand.shape) for operand in op.inputs if operand] or [0]
    count = sum(operand is not None for operand in op.inputs)
    scale = next((operand.scales[0] for operand in op.outputs if operand and operand.scales), None)
    conditions = (
        (limit.axes_above, lambda most: max(ranks) > most),
        (limit.axes_below, lambda least: len(op.inputs[0].shape if op.inputs and op.inputs[0] else ()) < least),
        (limit.inputs_above, lambda most: count > most),
        (limit.inputs_below, lambda least: count < least),
        (limit.broadcast or None, lambda _: len({operand.shape for operand in op.inputs if operand}) > 1),
        (limit.options, lambda options: all(op.option(name) in values for name, values in options.items())),
        (limit.operands, lambda kinds: any(op.dtype(int(index)) in types for index, types in kinds.items())),
        (limit.output_scale, lambda only: scale is not None and abs(scale / only - 1) > 1e-3),
        (limit.when, lambda name: WHEN[name](op)),
    )
    return all(holds(value) for value, holds in conditions if value is not None)


def _operands(op: OpSignature) -> Iterator[Operand]:
    return (operand for operand in (*op.inputs, *op.outputs) if operand and operand.scales)


def _axis_outside(op: OpSignature) -> bool:
    return any(one.shape and not 0 <= one.axis < len(one.shape) for one in _operands(op))


def _scale_count(op: OpSignature) -> bool:
    return any(
        len(one.scales) not in {1, one.shape[one.axis]}
        for one in _operands(op)
        if one.shape and 0 <= one.axis < len(one.shape)
    )


def _zero_point_outside(op: OpSignature) -> bool:
    return any(
        not _LIMITS[one.dtype][0] <= point <= _LIMITS[one.dtype][1]
        for one in _operands(op)
        if one.dtype in _LIMITS
        for point in one.zero_points
    )


def _rescale(op: OpSignature) -> float:
    """Return by what the sums of an operator with weights are multiplied; 0 where it is not quantized."""
    source, weights, target = op.inputs[0], op.inputs[1], op.outputs[0]
    if not (source and weights and target and source.scales and weights.scales and target.scales and target.scales[0]):
        return 0.0
    return source.scales[0] * max(weights.scales) / target.scales[0]


def _rescaled(op: OpSignature) -> bool:
    return _rescale(op) >= _LARGEST_RESCALE


def _bias_off(op: OpSignature) -> float | None:
    """Return how far the bias' scale is from that of the products, in the output's; None without a bias."""
    bias = op.inputs[2] if len(op.inputs) > 2 else None
    target = op.outputs[0].scales[0] if op.outputs[0] and op.outputs[0].scales else 0.0
    if bias is None or not target or not _rescale(op):
        return None
    return abs(_rescale(op) - (bias.scales[0] if bias.scales else 0.0) / target)


def _bias_scale(op: OpSignature) -> bool:
    off = _bias_off(op)
    return off is not None and off > _LARGEST_BIAS_ERROR and bool(op.inputs[2] and any(op.inputs[2].scales))


def _no_bias_scale(op: OpSignature) -> bool:
    off = _bias_off(op)
    return off is not None and off > _LARGEST_BIAS_ERROR and not (op.inputs[2] and any(op.inputs[2].scales))


def _weights_zero_point(op: OpSignature) -> bool:
    return any(op.inputs[1].zero_points) if op.inputs[1] else False


def _zero_point(op: OpSignature) -> bool:
    return any(any(one.zero_points) for one in _operands(op) if one.dtype == "INT16")


def _scales_differ(op: OpSignature) -> bool:
    target = op.outputs[0].scales if op.outputs and op.outputs[0] else ()
    dtype = op.outputs[0].dtype if op.outputs and op.outputs[0] else ""
    sources = [one.scales for one in op.inputs if one and one.scales and one.dtype == dtype]
    return bool(target) and any(abs(scales[0] - target[0]) > 1e-6 * target[0] for scales in sources)


def _channels(op: OpSignature) -> bool:
    source, weights = op.inputs[0], op.inputs[1]
    if not (source and weights and source.shape and weights.shape and source.shape[-1] > 0 and weights.shape[-1] > 0):
        return False
    return source.shape[-1] % weights.shape[-1] != 0


def _columns(op: OpSignature) -> bool:
    source, weights = op.inputs[0], op.inputs[1]
    if not (source and weights and weights.shape and weights.shape[-1]) or min(source.shape, default=0) < 0:
        return False
    return prod(source.shape) % weights.shape[-1] != 0


def _flattened_rows(op: OpSignature) -> bool:
    source, weights = op.inputs[0], op.inputs[1]
    return bool(source and weights and len(source.shape) > 2 and source.shape[-1] != weights.shape[-1])


def _lacks_values(op: OpSignature) -> bool:
    return any(not operand.given for operand in op.inputs if operand)


def _no_composite_attributes(op: OpSignature) -> bool:
    attributes: Any = op.option("compositeAttributes")
    return attributes is None or len(attributes) == 0


WHEN: dict[str, Callable[[OpSignature], bool]] = {
    "no composite attributes": _no_composite_attributes,
    "lacks values": _lacks_values,
    "axis outside": _axis_outside,
    "scale count": _scale_count,
    "zero point outside": _zero_point_outside,
    "rescaled by 256": _rescaled,
    "bias scale": _bias_scale,
    "no bias scale": _no_bias_scale,
    "weights zero point": _weights_zero_point,
    "zero point": _zero_point,
    "scales differ": _scales_differ,
    "channels": _channels,
    "columns": _columns,
    "flattened rows": _flattened_rows,
}
