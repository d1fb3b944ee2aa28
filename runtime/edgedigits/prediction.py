"""The result of classifying one image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.convention import SIZE
from edgedigits.images.decode import Picture
from edgedigits.images.digits import Box, Seen, scaled
from edgedigits.images.judge import Rejection, fuse, judge
from edgedigits.manifest import PipelineId

if TYPE_CHECKING:
    from PIL import Image


class Timing(NamedTuple):
    """The time that each stage took, in milliseconds.

    Attributes
    ----------
    decode: decoding the picture.
    preprocess: finding the digit and making the model's input of it.
    infer: running the model.

    """

    decode: float
    preprocess: float
    infer: float

    @property
    def total(self) -> float:
        """The time of all stages together."""
        return self.decode + self.preprocess + self.infer


class ModelId(NamedTuple):
    """The model that made a prediction.

    Attributes
    ----------
    name: its name.
    variant, bundle: its variant, such as ``int8.tflite``, and the id of its bundle; None for a file without a bundle.
    sha256: the SHA-256 of its file.

    """

    name: str
    variant: str | None
    sha256: str
    bundle: str | None


class EngineId(NamedTuple):
    """The engine that ran the model.

    Attributes
    ----------
    name, version: its name and its release.

    """

    name: str
    version: str


class PredictionContext(NamedTuple):
    """What all predictions of one classifier share; ``parameters`` are those of the rule that judges."""

    labels: tuple[str, ...]
    pipeline: PipelineId
    parameters: Mapping[str, float]
    model: ModelId
    engine: EngineId


class Prediction:
    """The result of classifying one image.

    It keeps what the stages produced and derives everything else on demand, so that a prediction whose details nobody
    reads costs little.
    """

    __slots__ = ("_context", "_fused", "_image", "_scores", "_source", "_times_ns")

    def __init__(
        self,
        source: str | Path | type,
        image: tuple[Picture, Seen] | bytes,
        scores: NDArray[np.float32],
        times_ns: tuple[int, int, int, int],
        context: PredictionContext,
    ) -> None:
        """Keep what the stages produced.

        ``source`` is a file's name, or the type of another source, which is not kept itself; ``image`` the picture and
        what was seen in it, or the bytes of a 28x28 image that was the model input as it was; ``scores`` the
        classifier's probabilities; ``times_ns`` the clock at the start and after decoding, locating and inference.
        """
        self._source, self._image = source, image
        self._scores, self._times_ns, self._context = scores, times_ns, context
        self._fused: NDArray[np.float32] | None = None  # label, confidence and rejection all ask for it

    def __repr__(self) -> str:
        """Return the source, the label, its confidence and the reason of a rejection."""
        return f"<Prediction {self.source}: {self.label} {self.confidence:.1%} {self.rejected or ''}".rstrip() + ">"

    @property
    def _picture(self) -> Picture:
        return self._stages[0]

    @property
    def _seen(self) -> Seen:
        return self._stages[1]

    @property
    def _stages(self) -> tuple[Picture, Seen]:
        if not isinstance(self._image, bytes):
            return self._image
        pixels = np.frombuffer(self._image, np.uint8).reshape(SIZE, SIZE, 1)
        return Picture(pixels, 1), Seen(pixels[..., 0], passed_through=True)

    @property
    def source(self) -> str:
        """The file's name, or the type of a source that is no file."""
        return self._source.__name__ if isinstance(self._source, type) else str(self._source)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The probabilities of all classes, float32 ``[classes]``: what classifier and locator come to together."""
        if self._fused is None:
            opinion = self._seen.opinion
            self._fused = self._scores if opinion is None else fuse(self._scores, opinion, self._context.parameters)
        return self._fused

    @property
    def digit(self) -> int:
        """The index of the best class, even when rejected."""
        return int(self.probabilities.argmax())

    @property
    def label(self) -> str:
        """The name of the best class, even when rejected."""
        return self.labels[self.digit]

    @property
    def confidence(self) -> float:
        """The probability of the best class."""
        return float(self.probabilities.max())

    @property
    def rejection(self) -> Rejection | None:
        """The reason why the prediction should not be used, with its measurements; None if it can be used."""
        seen = self._seen
        if seen.rejection or self._context.pipeline != "digit/2":
            return seen.rejection
        return judge(self.probabilities, seen.found, self._context.parameters)

    @property
    def rejected(self) -> str | None:
        """The reason of the rejection, or None."""
        rejection = self.rejection
        return rejection.reason if rejection else None

    @property
    def box(self) -> Box | None:
        """The digit's bounding box in pixels of the source: top, left, and bottom, right past the end.

        It is None where the picture was the model input as it was, or no digit was found.
        """
        return None if self._seen.box is None else scaled(self._seen.box, self.scale)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The decoded picture, uint8 ``[H, W, C]``; a large JPEG is decoded at a fraction of its size (`scale`)."""
        return self._picture.pixels

    @property
    def scale(self) -> int:
        """The number of source pixels along each side of one of `pixels`."""
        return self._picture.scale

    @property
    def passed_through(self) -> bool:
        """Whether the picture was the model input as it was."""
        return self._seen.passed_through

    @property
    def model_input(self) -> NDArray[np.uint8]:
        """The exact input of the model, uint8 ``[H, W]`` or ``[H, W, C]``."""
        image = self._seen.image
        return image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image

    @property
    def timing(self) -> Timing:
        """The time that each stage took, in milliseconds."""
        started, decoded, prepared, done = self._times_ns
        return Timing((decoded - started) / 1e6, (prepared - decoded) / 1e6, (done - prepared) / 1e6)

    @property
    def model(self) -> ModelId:
        """The model that made the prediction."""
        return self._context.model

    @property
    def engine(self) -> EngineId:
        """The engine that ran the model."""
        return self._context.engine

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of all classes."""
        return self._context.labels

    @property
    def pipeline(self) -> PipelineId:
        """The preprocessing that turned the picture into the model input."""
        return self._context.pipeline

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """Return the likeliest classes and their probabilities, best first; ties keep the order of the classes."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[index], float(self.probabilities[index])) for index in order]

    def to_dict(self) -> dict[str, Any]:
        """Return the object that ``classify --json`` prints."""
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
        """Return `to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def annotate(self, image: Image.Image | None = None) -> Image.Image:
        """Return the picture with box and label drawn on it.

        ``image`` is the same picture, for example in colours, at any size; a copy of it replaces ``pixels``.
        """
        height, width = (side * self.scale for side in self.pixels.shape[:2])
        box = self.box or (0, 0, height, width)
        from PIL import Image

        from edgedigits.annotation import Mark, annotate  # it needs parts of Pillow that classifying does not

        text = "?" if self.rejected else f"{self.label} {self.confidence:.0%}"
        mark = Mark(text, box, rejected=self.rejected is not None, height=max(box[2] - box[0], height / 8))
        grey = self.pixels.shape[-1] == 1
        canvas = image or Image.fromarray(self.pixels[..., 0] if grey else self.pixels)
        return annotate(canvas, (width, height), [mark])
