"""The measuring process: the shipped int8 model under LoadGen, and the same calls without it, in turn.

`python measure.py FOLDER SECONDS ROUNDS`: logs go into folders in FOLDER, the result is printed as JSON. Needs
mlcommons-loadgen; `run.py` gives it an environment that has it.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from harness import BATCH, offline, run_loadgen, settings, single_stream
from logs import ACCURACY, logged_answers, read_summary, right_answers
from numpy.typing import NDArray

from edgedigits import DigitClassifier
from edgedigits.datasets import load_mnist

_LEAST_CALLS = 1000
# A query must last as long as asked, however much quicker the machine is by then.
_SPARE = 1.25


def measure(folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Both scenarios in both modes."""
    digits = load_mnist()[1]
    images, labels = digits.images[..., 0], digits.labels
    with DigitClassifier(variant="int8") as classifier:
        packages = ("edgedigits", "numpy", "mlcommons-loadgen")
        return {
            "bundle": classifier.model_id.bundle,
            "model": f"{classifier.model_id.name} {classifier.model_id.variant}",
            "versions": {name: version(name) for name in packages}
            | {classifier.engine_id.name: classifier.engine_id.version},
            "samples": len(images),
            "seconds": seconds,
            "single_stream": _single_stream(classifier, images, labels, folder, seconds, rounds),
            "offline": _offline(classifier, images, labels, folder, seconds),
        }


def _single_stream(
    classifier: DigitClassifier, images: NDArray[np.uint8], labels: NDArray[np.int64], folder: Path, seconds: float,
    rounds: int,
) -> dict[str, Any]:  # fmt: skip
    """Rounds of LoadGen between blocks of the same calls, so that each round has neighbours to be compared with."""
    library = list(images)
    issue = single_stream(classifier, library)
    direct = [classifier.classify(image).digit for image in library]  # which warms up, too
    right = sum(digit == label for digit, label in zip(direct, labels.tolist(), strict=True))
    found = _accuracy(issue, "SingleStream", labels, folder / "single-stream-accuracy", right)
    blocks, summaries = [_direct_times(classifier, library, seconds / 3)], []
    for number in range(rounds):
        place = folder / "single-stream-performance" / f"round-{number + 1}"
        expected = 1e9 / float(np.median(blocks[-1]))
        run_loadgen(issue, len(images), settings("SingleStream", "PerformanceOnly", seconds, expected), place)
        summaries.append(read_summary(place))
        blocks.append(_direct_times(classifier, library, seconds / 3))
    return {
        "accuracy": found,
        "rounds": [
            {"summary": summary, "direct_p50_us": p50, "direct_p90_us": p90, "direct_calls": len(times)}
            for summary, times in zip(summaries, map(np.concatenate, pairwise(blocks)), strict=True)
            for p50, p90 in [np.percentile(times, [50, 90]) / 1e3]
        ],
    }


def _offline(
    classifier: DigitClassifier, images: NDArray[np.uint8], labels: NDArray[np.int64], folder: Path, seconds: float
) -> dict[str, Any]:
    """One query of as many samples as the seconds need, between two blocks of the same calls."""
    issue = offline(classifier, images)
    right = int((classifier.classify_batch(images).argmax(axis=1) == labels).sum())
    found = _accuracy(issue, "Offline", labels, folder / "offline-accuracy", right)
    before = _direct_rate(classifier, images, seconds / 3)
    place = folder / "offline-performance"
    run_loadgen(issue, len(images), settings("Offline", "PerformanceOnly", seconds, before * _SPARE), place)
    after = _direct_rate(classifier, images, seconds / 3)
    return {"accuracy": found, "summary": read_summary(place), "direct_samples_per_second": (before + after) / 2}


def _accuracy(issue: Any, scenario: str, labels: NDArray[np.int64], folder: Path, direct: int) -> dict[str, Any]:
    """Every sample once, judged by what LoadGen logged."""
    run_loadgen(issue, len(labels), settings(scenario, "AccuracyOnly", 0, 1000), folder)
    answers = logged_answers((folder / ACCURACY).read_text(), len(labels), 10)
    right = right_answers(answers, labels)
    return {
        "right": right, "direct_right": direct, "equal": right == direct, "share": right / len(labels),
        "unanswered": int(np.isnan(answers).any(axis=1).sum()),
    }  # fmt: skip


def _direct_times(classifier: DigitClassifier, library: list[NDArray[np.uint8]], seconds: float) -> NDArray[np.int64]:
    """Nanoseconds of `classify`, over the digits in turn, for at least ``seconds``."""
    times: list[int] = []
    gc.collect()
    gc.disable()
    deadline = time.perf_counter() + seconds
    while len(times) < _LEAST_CALLS or time.perf_counter() < deadline:
        for image in library:
            started = time.perf_counter_ns()
            classifier.classify(image)
            times.append(time.perf_counter_ns() - started)
    gc.enable()
    return np.array(times, np.int64)


def _direct_rate(classifier: DigitClassifier, images: NDArray[np.uint8], seconds: float) -> float:
    """Samples a second of `classify_batch`, given as many at a time as under LoadGen."""
    done, started = 0, time.perf_counter()
    while not done or time.perf_counter() < started + seconds:
        for start in range(0, len(images), BATCH):
            done += len(classifier.classify_batch(images[start : start + BATCH]))
    return done / (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
