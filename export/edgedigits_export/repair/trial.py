"""One candidate of a repair: how it was made, what it costs and what it loses."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits_export.convert.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and its figures.

    Attributes
    ----------
    bytes: the size of the file; the recipe makes it again.
    drop, high: loss of accuracy against Keras in percentage points, and its upper bound.
    divergence: mean Kullback-Leibler divergence from Keras, in nats: it tells two files apart that lose alike.
    within: whether ``high`` is within the margin and no target refuses the file.
    microseconds: the latency here; None where it was not to be measured.
    refused: why a target refuses or misreads the file, or why it cannot be made or run; None where nothing speaks
        against it.

    """

    recipe: Recipe
    bytes: int
    drop: float
    high: float
    divergence: float
    within: bool
    microseconds: float | None = None
    refused: str | None = None

    @property
    def cost(self) -> float:
        """What is to be small: the latency where it is known, or else the bytes."""
        return self.bytes if self.microseconds is None else self.microseconds
