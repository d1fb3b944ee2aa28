"""The protocol that every inference engine follows."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from edgedigits.manifest import TensorInfo


class Engine(Protocol):
    """One model, loaded in an inference engine.

    Several threads may call ``run`` at once. The model's memory is free once nothing refers to the engine.

    Attributes
    ----------
    name, version: the engine's name and release.
    image, probabilities: the model's one input and one output as the file defines them.

    """

    name: str
    version: str
    image: TensorInfo
    probabilities: TensorInfo

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run inference on ``[N, ...]`` of the input's type; return ``[N, ...]`` of the output's type."""
        ...
