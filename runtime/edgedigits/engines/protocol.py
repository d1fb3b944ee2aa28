"""The protocol that every inference engine follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from edgedigits.manifest import TensorInfo

# From the values of all inputs to the values of all outputs, each in the file's order.
Inference = Callable[[Sequence[NDArray[Any]]], Sequence[Any]]


class Engine(Protocol):
    """One model, loaded in an inference engine.

    Several threads may call ``run`` at once. The model's memory is free once nothing refers to the engine.

    Attributes
    ----------
    name, version: the engine's name and release.
    inputs, outputs: the model's inputs and outputs as the file defines them, in its order.

    """

    name: str
    version: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run inference on ``[N, ...]`` of the input's type; return ``[N, ...]`` of the output's type.

        Only for a file of one input and one output (see `edgedigits.tensors.image_and_scores`).
        """
        ...

    def prepare(self, shapes: Sequence[tuple[int, ...]]) -> Inference:
        """Return a function that runs one inference on inputs of exactly these shapes, in the calling thread alone.

        Errors of the engine pass through, here and in the function. An output that is no tensor, such as a sequence,
        comes out as the engine gives it.
        """
        ...
