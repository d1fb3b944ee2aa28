"""What a classifier answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.convention import SIZE
from edgedigits.images.decode import Picture
from edgedigits.images.normalised import Box, Normalised, scaled
from edgedigits.images.rejection import Rejection, judge
from edgedigits.manifest import PipelineId

if TYPE_CHECKING:
    from PIL import Image


class Timing(NamedTuple):
    """Milliseconds by stage."""

    decode: float
    preprocess: float
    infer: float

    @property
    def total(self) -> float:
        """All stages."""
        return self.decode + self.preprocess + self.infer


class ModelId(NamedTuple):
    """Which model answered: ``bundle`` is the bundle's id, None for a file without one."""

    name: str
    variant: str | None
    sha256: str
    bundle: str | None


class EngineId(NamedTuple):
    """Which engine ran it."""

    name: str
    version: str


class Answering(NamedTuple):
    """What all answers of one classifier share: its labels, pipeline, thresholds of evidence, model and engine."""

    labels: tuple[str, ...]
    pipeline: PipelineId
    parameters: Mapping[str, float]
    model: ModelId
    engine: EngineId


class Prediction:
    """The answer to one image.

    It keeps what the stages left and works out what it is asked for, so that an answer costs little until looked at.
    """

    __slots__ = ("_answering", "_scores", "_seen", "_source", "_ticks")

    def __init__(
        self,
        source: str | Path | type,
        seen: tuple[Picture, Normalised] | bytes,
        scores: NDArray[np.float32],
        ticks: tuple[int, int, int, int],
        answering: Answering,
    ) -> None:
        """Keep what the stages left.

        ``source`` is a file's name or the type of another source, of which nothing is kept; ``seen`` the picture and
        what the pipeline made of it, or the bytes of a 28x28 one that was fed as it is; ``ticks`` are nanoseconds at
        the start and after decoding, preparing and inferring.
        """
        self._source, self._seen = source, seen
        self._scores, self._ticks, self._answering = scores, ticks, answering

    def __repr__(self) -> str:
        """Source, answer, and what is against it."""
        return f"<Prediction {self.source}: {self.label} {self.confidence:.1%} {self.rejected or ''}".rstrip() + ">"

    @property
    def _picture(self) -> Picture:
        return self._looked[0]

    @property
    def _found(self) -> Normalised:
        return self._looked[1]

    @property
    def _looked(self) -> tuple[Picture, Normalised]:
        if not isinstance(self._seen, bytes):
            return self._seen
        pixels = np.frombuffer(self._seen, np.uint8).reshape(SIZE, SIZE, 1)
        return Picture(pixels, 1), Normalised(pixels[..., 0], None, passed_through=True)

    @property
    def source(self) -> str:
        """The file's name, or what kind of object it was."""
        return self._source.__name__ if isinstance(self._source, type) else str(self._source)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of all classes, float32 ``[classes]``; empty if nothing was inferred.

        What they leave of 1 is the probability that it is none of them, with a network that learned what none is.
        """
        return self._scores

    @property
    def digit(self) -> int | None:
        """Index of the best class, even when rejected; None only if nothing was inferred."""
        return int(self._scores.argmax()) if self._scores.size else None

    @property
    def label(self) -> str | None:
        """The name of that class."""
        digit = self.digit
        return None if digit is None else self.labels[digit]

    @property
    def confidence(self) -> float:
        """Its probability; 0 if nothing was inferred."""
        return float(self._scores.max(initial=0))

    @property
    def rejection(self) -> Rejection | None:
        """None, or why the answer should not be used, with the numbers."""
        return self._found.rejection or judge(self._scores, self._answering.parameters)

    @property
    def rejected(self) -> str | None:
        """The reason of the rejection, or None."""
        rejection = self.rejection
        return rejection.reason if rejection else None

    @property
    def box(self) -> Box | None:
        """Where the digit is in the picture, pixels: top, left, bottom, right, the last two past the end.

        None where the picture was fed as it is, or no digit found.
        """
        return None if self._found.box is None else scaled(self._found.box, self.scale)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture as it was read, uint8 ``[H, W, C]``: a large JPEG need not be decoded whole."""
        return self._picture.pixels

    @property
    def scale(self) -> int:
        """How many pixels of the source each of `pixels` is."""
        return self._picture.scale

    @property
    def passed_through(self) -> bool:
        """Whether the picture had the model's form already and was fed as it is."""
        return self._found.passed_through

    @property
    def fed(self) -> NDArray[np.uint8]:
        """Exactly what the model saw, uint8 ``[H, W]`` or ``[H, W, C]``."""
        image = self._found.image
        return image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image

    @property
    def timing(self) -> Timing:
        """How long the stages took."""
        started, decoded, prepared, done = self._ticks
        return Timing((decoded - started) / 1e6, (prepared - decoded) / 1e6, (done - prepared) / 1e6)

    @property
    def model(self) -> ModelId:
        """Which model answered."""
        return self._answering.model

    @property
    def engine(self) -> EngineId:
        """Which engine ran it."""
        return self._answering.engine

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of all classes."""
        return self._answering.labels

    @property
    def pipeline(self) -> PipelineId:
        """What brought the picture to the model's form."""
        return self._answering.pipeline

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The likeliest classes with their probabilities, best first; ties in the order of the classes."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[index], float(self.probabilities[index])) for index in order]

    def to_dict(self) -> dict[str, Any]:
        """The object that ``classify --json`` prints."""
        rejection = self.rejection
        return {
            "source": self.source,
            "digit": self.digit,
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": [float(value) for value in self.probabilities],
            "rejected": rejection.reason if rejection else None,
            "measured": dict(rejection.measured) if rejection else {},
            "box": list(self.box) if self.box else None,
            "passed_through": self.passed_through,
            "pipeline": self.pipeline,
            "timing_ms": self.timing._asdict() | {"total": self.timing.total},
            "model": self.model._asdict(),
            "engine": self.engine._asdict(),
        }

    def to_json(self) -> str:
        """`to_dict` on one line."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def annotate(self, image: Image.Image | None = None) -> Image.Image:
        """The picture with box and answer; a copy of ``image``, the same at any size, is drawn on instead if given."""
        height, width = (side * self.scale for side in self.pixels.shape[:2])
        box = self.box or (0, 0, height, width)
        from PIL import Image

        from edgedigits.annotation import Mark, annotate  # draws with parts of Pillow that answers do not need

        text = "?" if self.rejected else f"{self.label} {self.confidence:.0%}"
        mark = Mark(text, box, rejected=self.rejected is not None, height=max(box[2] - box[0], height / 8))
        grey = self.pixels.shape[-1] == 1
        canvas = image or Image.fromarray(self.pixels[..., 0] if grey else self.pixels)
        return annotate(canvas, (width, height), [mark])
