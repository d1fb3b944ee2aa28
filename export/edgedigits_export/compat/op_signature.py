"""One use of a TFLite operator, as its version and its kernel depend on it."""

from __future__ import annotations

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

    def axes(self, index: int = 0) -> int:
        """How many axes an input has, 0 where it is left out."""
        operand = self.inputs[index] if index < len(self.inputs) else None
        return len(operand.shape) if operand else 0

    def option(self, name: str) -> object:
        """An option's value, None where the file has none."""
        return getattr(self.options, name, None)

    def scales_along(self, index: int, axis: int) -> bool:
        """Whether an input has one scale a slice along ``axis``."""
        operand = self.inputs[index] if index < len(self.inputs) else None
        if operand is None or not operand.shape:
            return False
        return len(operand.scales) == operand.shape[axis]
