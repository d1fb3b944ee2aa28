"""What every engine offers."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from edgedigits.manifest import TensorInfo


class Engine(Protocol):
    """One loaded model.

    ``run`` may be called from several threads at once.

    Attributes
    ----------
    name, version: of the engine.
    image, probabilities: the model's one input and one output as the file has them.

    """

    name: str
    version: str
    image: TensorInfo
    probabilities: TensorInfo

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Infer on ``[N, ...]`` of the input's own type; returns ``[N, ...]`` of the output's own type."""
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...
