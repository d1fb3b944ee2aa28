"""What a page of digits says: lines of words of digits, in reading order, each with its place and its doubts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.annotation import Mark, annotate
from edgedigits.images.normalised import Box
from edgedigits.images.rejection import Rejection
from edgedigits.manifest import PipelineId
from edgedigits.prediction import EngineId, ModelId

# What stands in a text for a digit that is there and cannot be told.
UNTOLD = "?"


@dataclass(frozen=True, slots=True)
class ReadDigit:
    """One digit of a page.

    Attributes
    ----------
    digit: index of the best class, even when rejected.
    label: the name of that class.
    confidence: its probability.
    probabilities: float32 ``[classes]``.
    box: top, left, bottom, right (the last two past the end) in pixels of the source.
    rejection: None, or why the answer should not be used, with the numbers.
    fed: uint8 ``[28, 28]``, exactly what the model saw.

    """

    digit: int
    label: str
    confidence: float
    probabilities: NDArray[np.float32]
    box: Box
    rejection: Rejection | None
    fed: NDArray[np.uint8]

    @property
    def text(self) -> str:
        """The label, ``?`` when rejected."""
        return UNTOLD if self.rejection else self.label

    def to_dict(self) -> dict[str, Any]:
        """As plain values; ``rejected`` is the reason or null, ``measured`` its numbers, if any."""
        return {
            "digit": self.digit,
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": [float(value) for value in self.probabilities],
            "box": list(self.box),
            "rejected": self.rejection.reason if self.rejection else None,
            "measured": dict(self.rejection.measured) if self.rejection else {},
        }


@dataclass(frozen=True, slots=True)
class Word:
    """Digits that stand together: a number."""

    digits: tuple[ReadDigit, ...]

    @property
    def text(self) -> str:
        """Its digits, ``?`` for those rejected."""
        return "".join(digit.text for digit in self.digits)

    @property
    def box(self) -> Box:
        """Around all of its digits, in pixels of the source."""
        return _around([digit.box for digit in self.digits])


@dataclass(frozen=True, slots=True)
class Line:
    """Words beside each other."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Its words, parted by blanks."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """Around all of its words, in pixels of the source."""
        return _around([word.box for word in self.words])


@dataclass(frozen=True, slots=True)
class ReadTiming:
    """Milliseconds by stage: decoding; ink, skew and rulings; lines, pieces and what is fed; the model."""

    decode: float
    straighten: float
    segment: float
    infer: float

    @property
    def total(self) -> float:
        """All stages."""
        return self.decode + self.straighten + self.segment + self.infer


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer to one page.

    Attributes
    ----------
    source: the file's name, or what kind of object it was.
    lines: from top to bottom; none when nothing was found.
    skew: degrees by which the lines fall to the right in the source.
    pixels: the source as it was read, grey uint8 ``[H, W]``; ``scale`` source pixels each, so that a large JPEG need
        not be decoded whole.
    labels: the names of all classes.

    """

    source: str
    lines: tuple[Line, ...]
    skew: float
    pixels: NDArray[np.uint8]
    scale: int
    timing: ReadTiming
    model: ModelId
    engine: EngineId
    labels: tuple[str, ...]
    pipeline: PipelineId

    @property
    def width(self) -> int:
        """Pixels of the source across; to the next multiple of ``scale``."""
        return self.pixels.shape[1] * self.scale

    @property
    def height(self) -> int:
        """Pixels of the source down; to the next multiple of ``scale``."""
        return self.pixels.shape[0] * self.scale

    @property
    def text(self) -> str:
        """Words parted by blanks, lines by line ends; ``?`` for a digit that was rejected."""
        return "\n".join(line.text for line in self.lines)

    @property
    def digits(self) -> tuple[ReadDigit, ...]:
        """All digits in reading order."""
        return tuple(self._digits())

    def _digits(self) -> Iterator[ReadDigit]:
        for line in self.lines:
            for word in line.words:
                yield from word.digits

    def to_dict(self) -> dict[str, Any]:
        """The object that ``read --json`` prints; boxes are top, left, bottom, right in pixels of the source."""
        return {
            "source": self.source,
            "text": self.text,
            "lines": [_line(line) for line in self.lines],
            "skew_degrees": self.skew,
            "width": self.width,
            "height": self.height,
            "pipeline": self.pipeline,
            "timing_ms": asdict(self.timing) | {"total": self.timing.total},
            "model": self.model._asdict(),
            "engine": self.engine._asdict(),
        }

    def to_json(self) -> str:
        """`to_dict` on one line."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def annotate(self, image: Image.Image | None = None) -> Image.Image:
        """A picture of the page with a box around every digit and its answer above; rejected ones in red, as ``?``.

        A copy of ``image``, of any size, is drawn on instead of what was read, which is grey.
        """
        marks = [
            Mark(digit.text, digit.box, rejected=digit.rejection is not None, height=digit.box[2] - digit.box[0])
            for digit in self._digits()
        ]
        return annotate(image or Image.fromarray(self.pixels), (self.width, self.height), marks)


def _line(line: Line) -> dict[str, Any]:
    words = [
        {"text": word.text, "box": list(word.box), "digits": [digit.to_dict() for digit in word.digits]}
        for word in line.words
    ]
    return {"text": line.text, "box": list(line.box), "words": words}


def _around(boxes: list[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)
