"""How an integer file is made of a float model: what sets the ranges of its activations, and what stays in float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

RangeMethod = Literal["min-max", "percentile", "mse"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a quantizer is told about one file.

    Attributes
    ----------
    ranges: how the range of each activation follows from its values on the calibration images (see `ranges`).
    in_float: the operators that are not quantized, by the names that the quantizer gives them.

    """

    ranges: RangeMethod = "min-max"
    in_float: tuple[str, ...] = ()


WHOLE = Recipe()  # everything in integers, as far as the format has integer operators


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator that can be quantized: its name, and the count of its constants, each of which float makes larger."""

    name: str
    constants: int


@dataclass(frozen=True, slots=True)
class WeighedOperator:
    """An operator, and what quantizing it alone spoils (see `harm`)."""

    operator: Operator
    harm: float


class Quantizer(Protocol):
    """Makes int8 files of one float model, which is converted and calibrated only once."""

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators that can be quantized, in the order of computation."""

    def quantize(self, recipe: Recipe) -> bytes:
        """Return the file of a recipe; the same recipe always gives the same bytes."""
