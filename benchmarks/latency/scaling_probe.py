"""Measure in one process how one engine and precision scale, or how `classify` scales with the size of a picture.

`python -m benchmarks.latency.scaling_probe FOLDER PLAN SECONDS [ENGINE PRECISION]` prints rows as JSON; without an
engine it measures pictures. Each row has a ``series``, the point's coordinates, and ``us`` an image.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.latency.drawn_photographs import SOURCES, read_photograph
from benchmarks.latency.workers.overhead_by_hand import interpreter, session
from edgedigits import DigitClassifier
from edgedigits.engines import ENGINES, EngineName, load_engine
from edgedigits.model import lone_model

T = TypeVar("T")
Row = dict[str, Any]
Plan = dict[str, list[int]]
DIGITS = "digits.npy"
STAGES = ("decode", "preprocess", "infer", "total")
_LEAST = 3


def model_file(folder: Path, width: int, precision: str, format_: str) -> Path:
    """Return where the model of this width, precision and format lies."""
    return folder / f"{width}-{precision}.{format_}"


@dataclass(frozen=True, slots=True)
class EngineProbe:
    """One engine and precision; all its series are yielded in µs an image."""

    folder: Path
    seconds: float
    engine: EngineName
    precision: str

    def rows(self, plan: Plan) -> Iterator[Row]:
        """Yield batches, widths and threads."""
        for row in (*self._batches(plan), *self._widths(plan), *self._threads(plan)):
            yield {"engine": self.engine, "precision": self.precision, **row}

    def _batches(self, plan: Plan) -> Iterator[Row]:
        digits = np.load(self.folder / DIGITS)
        with DigitClassifier(self._file(1), engine=self.engine) as classifier:
            ways = {"classify_batch": classifier.classify_batch, "bare": self._bare()}
            for how, call in ways.items():
                for batch in plan["batches"]:
                    images = digits[:batch]
                    us = _median_us(partial(call, images), self.seconds) / batch
                    yield {"series": "batch", "how": how, "batch": batch, "us": us}

    def _widths(self, plan: Plan) -> Iterator[Row]:
        for width in plan["widths"]:
            yield {"series": "width", "width": width, "us": self._one(width, 1)}

    def _threads(self, plan: Plan) -> Iterator[Row]:
        for width in sorted({min(plan["widths"]), max(plan["widths"])}):
            for threads in plan["threads"]:
                yield {"series": "threads", "width": width, "threads": threads, "us": self._one(width, threads)}

    def _one(self, width: int, threads: int) -> float:
        """Return the time of one image through the engine."""
        image = np.load(self.folder / DIGITS)[:1]
        loaded = load_engine(self.engine, lone_model(self._file(width)), threads)
        return _median_us(lambda: loaded.run(image), self.seconds)

    def _file(self, width: int) -> Path:
        return model_file(self.folder, width, self.precision, ENGINES[self.engine].format)

    def _bare(self) -> Callable[[NDArray[Any]], object]:
        """Return what a program without this project would call: an interpreter image by image, a session at once."""
        data = self._file(1).read_bytes()
        if self.engine == "onnxruntime":
            made = session(data)
            name = made.get_inputs()[0].name
            return lambda images: made.run(None, {name: images})
        made, source, target = interpreter(self.engine, data)

        def infer(images: NDArray[Any]) -> None:
            for number in range(len(images)):
                made.set_tensor(source, images[number : number + 1])
                made.invoke()
                made.get_tensor(target)

        return infer


def picture_rows(folder: Path, sides: list[int], seconds: float) -> Iterator[Row]:
    """Yield medians of the stages of `classify`, as `Prediction.timing` has them.

    Raises
    ------
    ValueError: a picture was refused before inference, whose times would be none of reading a digit.

    """
    with DigitClassifier() as classifier:
        for side in sides:
            for source in SOURCES:
                image = read_photograph(folder, source, side)
                if classifier.classify(image).digit is None:
                    raise ValueError(f"{source} of {side} pixels: {classifier.classify(image).rejected}")
                classify = partial(classifier.classify, image)
                _repeated(classify, seconds / 3, 0)
                timings = [prediction.timing for prediction in _repeated(classify, seconds, _LEAST)]
                for stage in STAGES:
                    us = 1e3 * median(getattr(timing, stage) for timing in timings)
                    yield {"series": "images", "source": source, "side": side, "stage": stage, "us": us}


def _median_us(call: Callable[[], object], seconds: float) -> float:
    """Return the median µs over ``seconds`` and at least three calls, after a warm-up of a third of the time."""
    _repeated(call, seconds / 3, 1)
    return float(np.median(_repeated(lambda: _nanoseconds(call), seconds, _LEAST))) / 1e3


def _repeated(call: Callable[[], T], seconds: float, least: int) -> list[T]:
    """Call again and again for ``seconds``; returns all results."""
    found: list[T] = []
    deadline = time.perf_counter() + seconds
    while len(found) < least or time.perf_counter() < deadline:
        found.append(call())
    return found


def _nanoseconds(call: Callable[[], object]) -> int:
    started = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - started


if __name__ == "__main__":
    gc.disable()
    folder, steps, length, *words = sys.argv[1:]
    plan: Plan = json.loads(steps)
    chosen: Any = words
    if chosen:
        found = EngineProbe(Path(folder), float(length), *chosen).rows(plan)
    else:
        found = picture_rows(Path(folder), plan["sides"], float(length))
    print(json.dumps(list(found)))
