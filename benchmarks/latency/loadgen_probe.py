"""Measure the shipped int8 model under LoadGen, and the same calls without it, in turn, in one process.

`python -m benchmarks.latency.loadgen_probe FOLDER SECONDS ROUNDS` prints the result as JSON, and leaves logs in folders
of FOLDER. It needs mlcommons-loadgen; `benchmarks.latency.loadgen` gives it an environment that has it.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import mlperf_loadgen
import numpy as np
from mlperf_loadgen import QuerySampleResponse, QuerySamplesComplete
from numpy.typing import NDArray

from benchmarks.latency.loadgen_logs import ACCURACY, logged_outputs, read_summary, right_outputs
from edgedigits import DigitClassifier
from edgedigits.datasets import load_mnist

_LEAST_CALLS = 1000
# A query must last as long as asked, however much quicker the machine is by then.
_SPARE = 1.25
# LoadGen hands an offline query over whole; so many samples at a time keep their copies in the cache, and in memory.
BATCH = 1000
_FLOAT_BYTES = 4

Issue = Callable[[list[Any]], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """What is measured, where LoadGen's logs go, and how long each performance run lasts."""

    classifier: DigitClassifier
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    folder: Path
    seconds: float

    def single_stream(self, rounds: int) -> dict[str, Any]:
        """Measure rounds of LoadGen between blocks of the same calls, so that each round has neighbours."""
        library = list(self.images)
        issue = single_stream(self.classifier, library)
        direct = [self.classifier.classify(image).digit for image in library]  # which warms up, too
        right = sum(digit == label for digit, label in zip(direct, self.labels.tolist(), strict=True))
        accuracy = self._accuracy(issue, "SingleStream", "single-stream-accuracy", right)
        blocks, summaries = [self._direct_times(library)], []
        for number in range(rounds):
            folder = self.folder / "single-stream-performance" / f"round-{number + 1}"
            self._perform(issue, "SingleStream", 1e9 / float(np.median(blocks[-1])), folder)
            summaries.append(read_summary(folder))
            blocks.append(self._direct_times(library))
        return {
            "accuracy": accuracy,
            "rounds": [
                {"summary": summary, "direct_p50_us": p50, "direct_p90_us": p90, "direct_calls": len(times)}
                for summary, times in zip(summaries, map(np.concatenate, pairwise(blocks)), strict=True)
                for p50, p90 in [np.percentile(times, [50, 90]) / 1e3]
            ],
        }

    def offline(self) -> dict[str, Any]:
        """Measure one query of as many samples as the seconds need, between two blocks of the same calls."""
        issue = offline(self.classifier, self.images)
        right = int((self.classifier.classify_batch(self.images).argmax(axis=1) == self.labels).sum())
        accuracy = self._accuracy(issue, "Offline", "offline-accuracy", right)
        before = self._direct_rate()
        folder = self.folder / "offline-performance"
        self._perform(issue, "Offline", before * _SPARE, folder)
        rate = (before + self._direct_rate()) / 2
        return {"accuracy": accuracy, "summary": read_summary(folder), "direct_samples_per_second": rate}

    def _perform(self, issue: Issue, scenario: str, expected: float, folder: Path) -> None:
        run_loadgen(issue, len(self.images), folder, scenario, "PerformanceOnly", self.seconds, expected)

    def _accuracy(self, issue: Issue, scenario: str, name: str, direct: int) -> dict[str, Any]:
        """Infer every sample once, and judge what LoadGen logged."""
        count, folder = len(self.labels), self.folder / name
        run_loadgen(issue, count, folder, scenario, "AccuracyOnly")
        outputs = logged_outputs((folder / ACCURACY).read_text(), count, 10)
        right = right_outputs(outputs, self.labels)
        return {
            "right": right, "direct_right": direct, "equal": right == direct, "share": right / count,
            "unanswered": int(np.isnan(outputs).any(axis=1).sum()),
        }  # fmt: skip

    def _direct_times(self, library: list[NDArray[np.uint8]]) -> NDArray[np.int64]:
        """Return nanoseconds of `classify`, over the digits in turn, for at least a third of the seconds."""
        times: list[int] = []
        gc.collect()
        gc.disable()
        deadline = time.perf_counter() + self.seconds / 3
        while len(times) < _LEAST_CALLS or time.perf_counter() < deadline:
            for image in library:
                started = time.perf_counter_ns()
                self.classifier.classify(image)
                times.append(time.perf_counter_ns() - started)
        gc.enable()
        return np.array(times, np.int64)

    def _direct_rate(self) -> float:
        """Return samples a second of `classify_batch`, given as many at a time as under LoadGen."""
        done, started = 0, time.perf_counter()
        while not done or time.perf_counter() < started + self.seconds / 3:
            for start in range(0, len(self.images), BATCH):
                done += len(self.classifier.classify_batch(self.images[start : start + BATCH]))
        return done / (time.perf_counter() - started)


def single_stream(classifier: DigitClassifier, library: list[NDArray[np.uint8]]) -> Issue:
    """Return what infers one sample a query: `classify`, as a program with one picture would call it."""
    # LoadGen wants an address, and numpy takes 0.7 µs to tell one: too much for queries of some 10 µs.
    output = np.empty(len(classifier.labels), np.float32)
    address = output.ctypes.data

    def issue(query: list[Any]) -> None:
        sample = query[0]
        values = classifier.classify(library[sample.index]).probabilities
        if values.size:  # a picture refused before inference has none
            output[:] = values
        QuerySamplesComplete([QuerySampleResponse(sample.id, address, values.nbytes)])

    return issue


def offline(classifier: DigitClassifier, images: NDArray[np.uint8]) -> Issue:
    """Return what infers all samples in one query: `classify_batch`, a part at a time."""

    def issue(query: list[Any]) -> None:
        for start in range(0, len(query), BATCH):
            part = query[start : start + BATCH]
            values = classifier.classify_batch(images[[sample.index for sample in part]])
            first, size = values.ctypes.data, _FLOAT_BYTES * values.shape[1]
            QuerySamplesComplete(
                [QuerySampleResponse(sample.id, first + number * size, size) for number, sample in enumerate(part)]
            )

    return issue


def run_loadgen(
    issue: Issue, samples: int, folder: Path, scenario: str, mode: str, seconds: float = 0, expected: float = 1000
) -> None:
    """Run one test to its end, the garbage collector off; its logs are in ``folder`` then.

    ``expected`` samples a second let LoadGen prepare as many queries as it will need.
    """
    chosen = mlperf_loadgen.TestSettings()
    chosen.scenario = getattr(mlperf_loadgen.TestScenario, scenario)
    chosen.mode = getattr(mlperf_loadgen.TestMode, mode)
    chosen.min_duration_ms = round(1000 * seconds)
    chosen.single_stream_expected_latency_ns = round(1e9 / expected)
    chosen.offline_expected_qps = expected
    folder.mkdir(parents=True, exist_ok=True)
    output = mlperf_loadgen.LogOutputSettings()
    output.outdir, output.copy_summary_to_stdout = str(folder), False
    log = mlperf_loadgen.LogSettings()
    log.log_output, log.enable_trace = output, False
    system = mlperf_loadgen.ConstructSUT(issue, lambda: None)
    # All samples are in memory from the start, so there is nothing to load and unload.
    library = mlperf_loadgen.ConstructQSL(samples, samples, lambda indices: None, lambda indices: None)
    gc.collect()
    gc.disable()
    try:
        # It calls `issue` in this very thread and writes its logs in another. Pinning the process to one processor
        # would make the two share it, pinning this thread alone changed nothing: free, pinned alone and pinned together
        # the 90th percentile was 16.6 to 17.3 µs, where repeats of one differed as much. So nothing is pinned.
        mlperf_loadgen.StartTestWithLogSettings(system, library, chosen, log)
    finally:
        gc.enable()
        mlperf_loadgen.DestroyQSL(library)
        mlperf_loadgen.DestroySUT(system)


def main(folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure both scenarios in both modes."""
    digits = load_mnist()[1]
    with DigitClassifier(variant="int8") as classifier:
        probe = Probe(classifier, digits.images[..., 0], digits.labels, folder, seconds)
        return {
            "engine": classifier.engine_id.name,
            "model": f"{classifier.model_id.name} {classifier.model_id.variant}",
            "samples": len(digits),
            "seconds": seconds,
            "single_stream": probe.single_stream(rounds),
            "offline": probe.offline(),
        }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
