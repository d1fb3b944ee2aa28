"""One use of a TFLite operator: the types, shapes, scales and options that its version and its kernel depend on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operand:
    """An input or output tensor of an operator.

    Attributes
    ----------
    dtype: TFLite's name of the element type, for example ``INT8``.
    scales: the scales of its quantization; empty where it is not quantized, several where it is quantized per channel.
    sparse: whether the file stores it in a sparse format.
    zero_points: as many as scales.
    axis: the dimension that several scales belong to.
    given: whether the file, its caller or an earlier operator gives its values; meant for inputs.

    """

    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    sparse: bool = False
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    given: bool = True


@dataclass(frozen=True, slots=True)
class OpSignature:
    """One use of an operator.

    Attributes
    ----------
    name: TFLite's name of the operator, for example ``CONV_2D``.
    inputs, outputs: the operands; an optional input that the file leaves out is None.
    options: the parsed option table of the operator, or None.

    """

    name: str
    inputs: tuple[Operand | None, ...]
    outputs: tuple[Operand | None, ...]
    options: object = None

    def dtype(self, index: int = 0) -> str:
        """Return the type name of an input, or an empty text where the input is left out."""
        operand = self._input(index)
        return operand.dtype if operand else ""

    def dtypes(self) -> tuple[str, str, str]:
        """Return the type names of the first input, the second input (the weights) and the first output."""
        output = self.outputs[0] if self.outputs else None
        return self.dtype(0), self.dtype(1), output.dtype if output else ""

    def rank(self, index: int = 0) -> int:
        """Return the number of axes of an input, or 0 where the input is left out."""
        operand = self._input(index)
        return len(operand.shape) if operand else 0

    def option(self, name: str) -> object:
        """Return the value of an option, or None where the file does not set it."""
        return getattr(self.options, name, None)

    def is_per_channel(self, index: int, axis: int) -> bool:
        """Return whether an input has one scale for each slice along ``axis``."""
        operand = self._input(index)
        return operand is not None and bool(operand.shape) and len(operand.scales) == operand.shape[axis]

    def _input(self, index: int) -> Operand | None:
        return self.inputs[index] if index < len(self.inputs) else None
