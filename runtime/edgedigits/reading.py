"""The result of reading a page: lines of words of digits, in reading order, with boxes and rejections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.annotation import Mark, annotate
from edgedigits.images.digits import Box
from edgedigits.images.judge import Rejection
from edgedigits.manifest import PipelineId
from edgedigits.prediction import EngineId, ModelId

# Stands in a text for a digit that was found and rejected.
REJECTED_TEXT = "?"


@dataclass(frozen=True, slots=True)
class ReadDigit:
    """One digit of a page.

    Attributes
    ----------
    digit: the index of the best class, even when rejected.
    label: the name of that class.
    confidence: the probability of that class.
    probabilities: the probabilities of all classes, float32 ``[classes]``.
    box: top, left, bottom, right (the last two past the end) in pixels of the source.
    rejection: the reason why the digit should not be used, with its measurements, or None.
    model_input: the exact input of the model, uint8 ``[28, 28]``.

    """

    digit: int
    label: str
    confidence: float
    probabilities: NDArray[np.float32]
    box: Box
    rejection: Rejection | None
    model_input: NDArray[np.uint8]

    @property
    def text(self) -> str:
        """The label, or ``?`` when rejected."""
        return REJECTED_TEXT if self.rejection else self.label

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; ``rejected`` is the reason or None, ``measured`` its measurements."""
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
class ReadMark:
    """A mark that belongs to a number.

    Attributes
    ----------
    text: the mark, ``- . , : /``, or ``?`` where it is not clear which.
    box: top, left, bottom, right (the last two past the end) in pixels of the source.

    """

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Word:
    """A number.

    Attributes
    ----------
    characters: the digits and marks that stand together, from left to right.

    """

    characters: tuple[ReadDigit | ReadMark, ...]

    @property
    def digits(self) -> tuple[ReadDigit, ...]:
        """Its digits without the marks."""
        return tuple(one for one in self.characters if isinstance(one, ReadDigit))

    @property
    def marks(self) -> tuple[ReadMark, ...]:
        """Its marks."""
        return tuple(one for one in self.characters if isinstance(one, ReadMark))

    @property
    def text(self) -> str:
        """The labels of its digits and its marks, with ``?`` for each rejected one."""
        return "".join(one.text for one in self.characters)

    @property
    def box(self) -> Box:
        """The bounding box of its characters in pixels of the source."""
        return _enclosing([one.box for one in self.characters])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of words.

    Attributes
    ----------
    words: its words, from left to right.

    """

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The texts of its words, separated by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """The bounding box of its words in pixels of the source."""
        return _enclosing([word.box for word in self.words])


@dataclass(frozen=True, slots=True)
class ReadTiming:
    """The time that each stage took, in milliseconds.

    Attributes
    ----------
    decode: decoding the picture.
    locate: finding the digits and making the model inputs.
    classify: running the classifier and judging.

    """

    decode: float
    locate: float
    classify: float

    @property
    def total(self) -> float:
        """The time of all stages together."""
        return self.decode + self.locate + self.classify


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading one page.

    Attributes
    ----------
    source: the file's name, or the type of a source that is no file.
    lines: the lines from top to bottom; empty when nothing was found.
    skew: the angle, in degrees, by which the lines fall to the right in the source.
    pixels: the decoded picture, grey uint8 ``[H, W]``; a large JPEG is decoded at a fraction of its size.
    scale: the number of source pixels along each side of one of ``pixels``.
    timing: the time of each stage.
    model, engine: which model read, and which engine ran it.
    labels: the names of all classes.
    pipeline: the preprocessing, by versioned name.

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
        """The width of the source in pixels, rounded up to a multiple of ``scale``."""
        return self.pixels.shape[1] * self.scale

    @property
    def height(self) -> int:
        """The height of the source in pixels, rounded up to a multiple of ``scale``."""
        return self.pixels.shape[0] * self.scale

    @property
    def text(self) -> str:
        """The text of the page: words separated by spaces, lines by line ends, with ``?`` for each rejected digit."""
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
        """Return the object that ``read --json`` prints; boxes are top, left, bottom, right in pixels of the source."""
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
        """Return `to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def annotate(self, image: Image.Image | None = None) -> Image.Image:
        """Return the page with a box around every digit and mark, its text above; doubtful ones are red, with ``?``.

        ``image`` is the same picture, for example in colours, at any size; a copy of it replaces the grey ``pixels``.
        """
        marks = [
            Mark(one.text, one.box, rejected=one.text == REJECTED_TEXT, height=word.box[2] - word.box[0])
            for line in self.lines
            for word in line.words
            for one in word.characters
        ]
        return annotate(image or Image.fromarray(self.pixels), (self.width, self.height), marks)


def _line(line: Line) -> dict[str, Any]:
    words = [
        {
            "text": word.text,
            "box": list(word.box),
            "digits": [digit.to_dict() for digit in word.digits],
            "marks": [{"text": mark.text, "box": list(mark.box)} for mark in word.marks],
        }
        for word in line.words
    ]
    return {"text": line.text, "box": list(line.box), "words": words}


def _enclosing(boxes: list[Box]) -> Box:
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)
