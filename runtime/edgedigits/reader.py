"""Reading a page: from a picture to lines of words of digits and marks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.decode import ImageSource, Picture, PictureLimits, read_picture
from edgedigits.images.digits import Box, Seen, scaled, see_all
from edgedigits.images.judge import fuse, judge
from edgedigits.images.lines import Item, join_dots, lay_out, mark_text
from edgedigits.images.locator import Found, Network
from edgedigits.prediction import PredictionContext
from edgedigits.reading import Line, ReadDigit, Reading, ReadMark, ReadTiming, Word

ClassifyBatch = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

# The pixels that a JPEG decoded small keeps of both sides: digits of a full page keep 20.
DETAIL = 1000


class Page(NamedTuple):
    """A picture to read, the name that the result gives it, and what it may take."""

    source: ImageSource | Picture
    name: str
    limits: PictureLimits
    bgr: bool = False


def read_page(page: Page, network: Network, classify_batch: ClassifyBatch, context: PredictionContext) -> Reading:
    """Read a page with the locator and the classifier, which gives float32 ``[N, classes]`` for uint8 ``[N, 28, 28]``.

    Raises
    ------
    ImageError: the picture cannot be read.

    """
    started = time.perf_counter_ns()
    picture = read_picture(page.source, 1, bgr=page.bgr, detail=DETAIL, limits=page.limits)
    grey = picture.pixels[..., 0]
    started -= picture.decode_ns
    decoded = time.perf_counter_ns()
    seen, marks = see_all(network, grey)
    located = time.perf_counter_ns()
    digits = _classified(seen, classify_batch, context, picture.scale) if seen else []
    classified = time.perf_counter_ns()
    lines, skew = _lines(digits, marks, picture.scale)
    return Reading(
        source=page.name,
        lines=lines,
        skew=skew,
        # Cameras write the next frame into the same memory.
        pixels=grey.copy() if isinstance(page.source, np.ndarray) else grey,
        scale=picture.scale,
        timing=ReadTiming(*(part / 1e6 for part in (decoded - started, located - decoded, classified - located))),
        model=context.model,
        engine=context.engine,
        labels=context.labels,
        pipeline=context.pipeline,
    )


def _classified(
    seen: list[Seen], classify_batch: ClassifyBatch, context: PredictionContext, scale: int
) -> list[ReadDigit]:
    """Return the digits that there are, and those in doubt."""
    opinions = np.stack([one.opinion for one in seen if one.opinion is not None])
    fused = fuse(classify_batch(np.stack([one.image for one in seen])), opinions, context.parameters)
    digits = []
    for one, probabilities in zip(seen, fused, strict=True):
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        if one.box is not None:
            rejection = judge(probabilities, one.found, context.parameters)
            label, box = context.labels[best], scaled(one.box, scale)
            digits.append(ReadDigit(best, label, confidence, probabilities, box, rejection, one.image))
    return digits


def _lines(digits: list[ReadDigit], marks: list[Found], scale: int) -> tuple[tuple[Line, ...], float]:
    """Return digits and marks in lines of words, and the degrees by which the lines fall to the right."""
    boxes: list[Box] = [digit.box for digit in digits]
    tall = float(np.median([box[2] - box[0] for box in boxes])) / scale if boxes else 0.0
    boxes += [scaled(box, scale) for box in join_dots([mark.box for mark in marks], tall)]
    items = [Item(box, is_mark=index >= len(digits)) for index, box in enumerate(boxes)]
    layout = lay_out(items)
    lines = []
    for words in layout.lines:
        beside = [boxes[index] for word in words for index in word if index < len(digits)]
        lines.append(Line(tuple(_word(word, digits, boxes, beside) for word in words)))
    return tuple(lines), layout.skew


def _word(word: tuple[int, ...], digits: list[ReadDigit], boxes: list[Box], beside: list[Box]) -> Word:
    return Word(
        tuple(
            digits[index] if index < len(digits) else ReadMark(mark_text(boxes[index], beside), boxes[index])
            for index in word
        )
    )
