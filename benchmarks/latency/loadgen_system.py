"""Make the classifier LoadGen's system under test: queries by its Python binding, samples in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlperf_loadgen
import numpy as np
from mlperf_loadgen import QuerySampleResponse, QuerySamplesComplete
from numpy.typing import NDArray

from edgedigits import DigitClassifier

# LoadGen hands an offline query over whole; so many samples at a time keep their copies in the cache, and in memory.
BATCH = 1000
_FLOAT_BYTES = 4

Issue = Callable[[list[Any]], None]


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
