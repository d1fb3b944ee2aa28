"""What a classifier answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds by stage."""

    decode: float
    preprocess: float
    infer: float

    @property
    def total(self) -> float:
        """All stages."""
        return self.decode + self.preprocess + self.infer


@dataclass(frozen=True, slots=True)
class ModelId:
    """Which model answered: ``bundle`` is the bundle's id, None for a file without one."""

    name: str
    variant: str | None
    sha256: str
    bundle: str | None


@dataclass(frozen=True, slots=True)
class EngineId:
    """Which engine ran it."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one image.

    Attributes
    ----------
    source: the file's name, or what kind of object it was.
    digit: index of the best class, even when rejected; None only if nothing was inferred.
    label: the name of that class.
    confidence: its probability; 0 if nothing was inferred.
    probabilities: float32 ``[classes]``; empty if nothing was inferred.
    rejected: None, or why the answer should not be used.
    fed: uint8 ``[H, W]`` or ``[H, W, C]``, exactly what the model saw.
    labels: the names of all classes.

    """

    source: str
    digit: int | None
    label: str | None
    confidence: float
    probabilities: NDArray[np.float32]
    rejected: str | None
    fed: NDArray[np.uint8]
    timing: Timing
    model: ModelId
    engine: EngineId
    labels: tuple[str, ...]

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The likeliest classes with their probabilities, best first; ties in the order of the classes."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[index], float(self.probabilities[index])) for index in order]

    def to_dict(self) -> dict[str, Any]:
        """The object that ``classify --json`` prints."""
        return {
            "source": self.source,
            "digit": self.digit,
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": [float(value) for value in self.probabilities],
            "rejected": self.rejected,
            "timing_ms": {
                "decode": self.timing.decode,
                "preprocess": self.timing.preprocess,
                "infer": self.timing.infer,
                "total": self.timing.total,
            },
            "model": {
                "name": self.model.name,
                "variant": self.model.variant,
                "sha256": self.model.sha256,
                "bundle": self.model.bundle,
            },
            "engine": {"name": self.engine.name, "version": self.engine.version},
        }
