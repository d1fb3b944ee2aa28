"""From a grey picture of a page to lines of words of digits: ink, lines, pieces, the classifier, the cheapest path."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError
from edgedigits.images.decode import MAX_PIXELS, ImageSource, read_picture
from edgedigits.images.normalised import Box
from edgedigits.images.rejection import judge
from edgedigits.pages.lines import Row, find_rows
from edgedigits.pages.path import LOWEST, Group, candidates, cheapest, group_cost
from edgedigits.pages.pieces import Piece, box_around, cut, glyph, whole
from edgedigits.pages.sheet import Sheet, straighten
from edgedigits.prediction import PredictionContext
from edgedigits.reading import Line, ReadDigit, Reading, ReadTiming, Word

ClassifyBatch = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
Key = tuple[int, ...]

# Pixels that a JPEG decoded small keeps of both sides: digits of a full page keep 20.
DETAIL = 1000
# More candidates than this come of texture, not of touching digits: nothing is cut then.
MOST_GROUPS = 4000
# A gap this wide, in heights of the line's digits, parts two words.
WORD_GAP = 0.65
# A component is cut on trial when it is wider than this, in heights, or costs more than this; not when it is lower
# or narrower than this, a part of a digit or a stroke.
SURELY_WIDE = 1.1
DOUBTFUL = 0.05
TALL, STROKE = 0.7, 0.45


@dataclass(frozen=True, slots=True)
class Found:
    """What a page says: its lines, and the degrees by which they fall to the right; what it took, in milliseconds."""

    lines: tuple[Line, ...]
    skew: float
    straighten_ms: float
    segment_ms: float
    infer_ms: float


def read_page(
    classify_batch: ClassifyBatch,
    context: PredictionContext,
    source: ImageSource,
    name: str,
    max_pixels: int = MAX_PIXELS,
    *,
    bgr: bool = False,
) -> Reading:
    """Read a picture of digits, see `read_picture` for what it may be; ``name`` is what the answer calls it.

    ``classify_batch`` answers uint8 ``[N, 28, 28]`` with probabilities float32 ``[N, classes]``.

    Raises
    ------
    ImageError: the picture cannot be read.
    UsageError: the model is not one of digits of 28x28 pixels.

    """
    if context.pipeline != "digit/1":
        found = f"{context.model.name}, of the pipeline {context.pipeline}"
        raise UsageError(
            f"read: expected a model of digits (pipeline digit/1), found {found}; classify with it instead"
        )
    started = time.perf_counter_ns()
    picture = read_picture(source, 1, bgr=bgr, detail=DETAIL, max_pixels=max_pixels)
    decode_ms = (time.perf_counter_ns() - started) / 1e6
    grey = picture.pixels[..., 0]
    page = read_digits(grey, classify_batch, context.labels, context.parameters, picture.scale)
    return Reading(
        source=name,
        lines=page.lines,
        skew=page.skew,
        # Cameras write the next frame into the same memory.
        pixels=grey.copy() if isinstance(source, np.ndarray) else grey,
        scale=picture.scale,
        timing=ReadTiming(decode_ms, page.straighten_ms, page.segment_ms, page.infer_ms),
        model=context.model,
        engine=context.engine,
        labels=context.labels,
        pipeline=context.pipeline,
    )


def read_digits(
    grey: NDArray[np.uint8],
    classify_batch: ClassifyBatch,
    labels: Sequence[str],
    parameters: Mapping[str, float],
    scale: int = 1,
) -> Found:
    """Read the digits of a page, grey uint8 ``[H, W]``; boxes are in pixels of a source ``scale`` times as large.

    The other arguments are explained at `Reader`.
    """
    started = time.perf_counter_ns()
    sheet = straighten(grey, scale)
    straightened = time.perf_counter_ns()
    answers = _Answers(sheet, classify_batch)
    rows = [(row, [whole(sheet, int(part)) for part in row.parts]) for row in find_rows(sheet.components)]
    answers.ask([[piece] for row, pieces in rows for piece in pieces if _could_stand(piece, row.height)])
    grouped = _grouped([(row, _cut_doubtful(row, pieces, answers)) for row, pieces in rows])
    if sum(len(groups) for _, _, groups in grouped) > MOST_GROUPS:
        grouped = _grouped(rows)
    answers.ask([pieces[group.first : group.last] for _, pieces, groups in grouped for group in groups])
    read = [_read_row(row, pieces, groups, answers) for row, pieces, groups in grouped]
    lines = tuple(line for line in (_line(digits, sheet, labels, parameters) for digits in read) if line.words)
    done = time.perf_counter_ns()
    infer = answers.infer_ns
    return Found(
        lines, sheet.turn.degrees, (straightened - started) / 1e6, (done - straightened - infer) / 1e6, infer / 1e6
    )


@dataclass(frozen=True, slots=True)
class _Digit:
    """A digit on the sheet, before it is judged; ``height`` is that of its line's digits."""

    box: Box
    scores: NDArray[np.float32]
    fed: NDArray[np.uint8]
    height: float


class _Answers:
    """What the classifier says of groups of pieces, each asked once."""

    def __init__(self, sheet: Sheet, classify_batch: ClassifyBatch) -> None:
        self._sheet = sheet
        self._classify_batch = classify_batch
        self._known: dict[Key, tuple[NDArray[np.uint8], NDArray[np.float32]]] = {}
        self.infer_ns = 0

    def ask(self, groups: Sequence[Sequence[Piece]]) -> None:
        """Have all of these answered, in one batch."""
        new = {key: group for group in groups if (key := _key(group)) not in self._known}
        if not new:
            return
        fed = np.stack([glyph(self._sheet, list(group)) for group in new.values()])
        started = time.perf_counter_ns()
        scores = self._classify_batch(fed)
        self.infer_ns += time.perf_counter_ns() - started
        self._known.update(zip(new, zip(fed, scores, strict=True), strict=True))

    def of(self, group: Sequence[Piece]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """What was fed for a group that was asked, and the probabilities."""
        return self._known[_key(group)]


def _key(group: Sequence[Piece]) -> Key:
    return tuple(value for piece in group for value in (piece.part, *piece.box))


def _grouped(rows: list[tuple[Row, list[Piece]]]) -> list[tuple[Row, list[Piece], list[Group]]]:
    return [(row, pieces, candidates(pieces, row.height)) for row, pieces in rows]


def _could_stand(piece: Piece, height: float) -> bool:
    return piece.box[2] - piece.box[0] >= LOWEST * height


def _cut_doubtful(row: Row, pieces: list[Piece], answers: _Answers) -> list[Piece]:
    """Pieces of a line from left to right, those cut that may be more than a digit."""
    parts = []
    for piece in pieces:
        parts += cut(piece, row.height) if _doubtful(piece, row.height, answers) else [piece]
    return parts


def _doubtful(piece: Piece, height: float, answers: _Answers) -> bool:
    tall, wide = (piece.box[2] - piece.box[0]) / height, (piece.box[3] - piece.box[1]) / height
    if tall < TALL or wide < STROKE:
        return False
    if wide > SURELY_WIDE:
        return True
    return group_cost([piece], float(answers.of([piece])[1].max()), height) > DOUBTFUL


def _read_row(row: Row, pieces: list[Piece], groups: list[Group], answers: _Answers) -> list[_Digit]:
    """Digits of a line from left to right."""
    best = [float(answers.of(pieces[group.first : group.last])[1].max()) for group in groups]
    digits = []
    for index in cheapest(pieces, groups, best, row.height):
        chosen = pieces[groups[index].first : groups[index].last]
        fed, scores = answers.of(chosen)
        digits.append(_Digit(box_around(chosen), scores, fed, row.height))
    return digits


def _line(digits: list[_Digit], sheet: Sheet, labels: Sequence[str], parameters: Mapping[str, float]) -> Line:
    words: list[list[ReadDigit]] = []
    end = 0
    for digit in digits:
        if not words or digit.box[1] - end > WORD_GAP * digit.height:
            words.append([])
        words[-1].append(_judged(digit, sheet, labels, parameters))
        end = max(end, digit.box[3])
    return Line(tuple(Word(tuple(word)) for word in words if _is_number(word)))


def _is_number(word: list[ReadDigit]) -> bool:
    """Letters, blots and texture are words of which nothing looks like a digit: not a number with doubtful digits."""
    return any(digit.rejection is None or digit.rejection.reason != "not_digit_like" for digit in word)


def _judged(digit: _Digit, sheet: Sheet, labels: Sequence[str], parameters: Mapping[str, float]) -> ReadDigit:
    best = int(digit.scores.argmax())
    return ReadDigit(
        digit=best,
        label=labels[best],
        confidence=float(digit.scores[best]),
        probabilities=digit.scores,
        box=sheet.box_in_source(digit.box),
        rejection=judge(digit.scores, parameters),
        model_input=digit.fed,
    )
