"""What a classifier answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.annotation import Mark, annotate
from edgedigits.images.normalise import Box
from edgedigits.images.rejection import Rejection
from edgedigits.manifest import PipelineId


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
    rejection: None, or why the answer should not be used, with the numbers.
    box: where the digit is in the picture, pixels: top, left, bottom, right, the last two past the end; None where the
        picture was fed as it is, or no digit found.
    pixels: the picture as it was read, uint8 ``[H, W, C]``, ``scale`` source pixels each, so that a large JPEG need not
        be decoded whole.
    passed_through: the picture had the model's form already and was fed as it is.
    fed: uint8 ``[H, W]`` or ``[H, W, C]``, exactly what the model saw.
    labels: the names of all classes.

    """

    source: str
    digit: int | None
    label: str | None
    confidence: float
    probabilities: NDArray[np.float32]
    rejection: Rejection | None
    box: Box | None
    pixels: NDArray[np.uint8]
    scale: int
    passed_through: bool
    fed: NDArray[np.uint8]
    timing: Timing
    model: ModelId
    engine: EngineId
    labels: tuple[str, ...]
    pipeline: PipelineId

    @property
    def rejected(self) -> str | None:
        """The reason of the rejection, or None."""
        return self.rejection.reason if self.rejection else None

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
            "measured": dict(self.rejection.measured) if self.rejection else {},
            "box": list(self.box) if self.box else None,
            "passed_through": self.passed_through,
            "pipeline": self.pipeline,
            "timing_ms": asdict(self.timing) | {"total": self.timing.total},
            "model": asdict(self.model),
            "engine": asdict(self.engine),
        }

    def to_json(self) -> str:
        """`to_dict` on one line."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def annotate(self, image: Image.Image | None = None) -> Image.Image:
        """The picture with box and answer; a copy of ``image``, the same at any size, is drawn on instead if given."""
        height, width = (side * self.scale for side in self.pixels.shape[:2])
        box = self.box or (0, 0, height, width)
        text = "?" if self.rejected else f"{self.label} {self.confidence:.0%}"
        mark = Mark(text, box, rejected=self.rejected is not None, height=max(box[2] - box[0], height / 8))
        grey = self.pixels.shape[-1] == 1
        canvas = image or Image.fromarray(self.pixels[..., 0] if grey else self.pixels)
        return annotate(canvas, (width, height), [mark])
