"""Measure one configuration in this process: load, first inference, warm-up, steady state.

`run_isolated` runs it as ``python -m edgedigits.measure.worker CONFIGURATION SECONDS RUNS``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Variant
from edgedigits.classifier import DigitClassifier
from edgedigits.datasets.own import image_files
from edgedigits.engines import EngineName, engine_version, load_engine
from edgedigits.engines.refusal import refusal
from edgedigits.errors import EdgeDigitsError, ModelRejectedError, UsageError
from edgedigits.isolation import report_to_parent
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.raw_times import pack_times
from edgedigits.measure.sample import Sample
from edgedigits.model import lone_model
from edgedigits.random_inputs import random_inputs
from edgedigits.records import from_plain, to_plain
from edgedigits.rlimits import limit_resources, memory_for
from edgedigits.system_info.text import find_field, leading_integer, read_text
from edgedigits.tensors import follows_contract

# Runs once and returns the times of the stages, in nanoseconds.
TimedRun = Callable[[], tuple[int, ...]]

STAGES = {False: ("infer",), True: ("decode", "preprocess", "infer")}
_WARMUP_WINDOW = 20
_SETTLED = 0.05
_MAX_WARMUP_SECONDS = 2.0
_CLOCK_READINGS = 1001


def measure(configuration: Configuration, seconds: float, min_runs: int) -> Sample:
    """Measure in this process, with a steady state of at least ``seconds`` and ``min_runs`` runs.

    Raises
    ------
    EdgeDigitsError: the model file or a picture cannot be read, or the engine refuses the file or the inputs.

    """
    cpus, started = _pin_to_processors(configuration.threads), time.time()
    prepare = _picture_run if configuration.images else _inference_run
    try:
        run_once, load_ms, version = prepare(configuration)
        first = sum(run_once())
    except EdgeDigitsError:
        raise
    except Exception as error:  # engines raise their own types
        raise _refused_inputs(configuration, error) from error
    gc.collect()
    gc.disable()
    clock_before = _clock_mhz(cpus)
    warmup, settled = warm_up(run_once)
    preempted_before = _preempted()
    times = measure_steady_state(run_once, seconds, min_runs)
    preempted_after = _preempted()
    gc.enable()
    clock_after = _clock_mhz(cpus)
    stages = STAGES[configuration.images is not None]
    return Sample(
        started=started,
        version=version,
        cpus=cpus,
        load_ms=load_ms,
        first_us=first / 1e3,
        warmup_runs=warmup,
        settled=settled,
        timer_ns=timer_overhead(),
        times={stage: pack_times(of_stage) for stage, of_stage in zip(stages, times.T, strict=True)},
        rss_mb=_memory_mb("VmRSS"),
        peak_rss_mb=_memory_mb("VmHWM"),
        clock_mhz=None if clock_before is None or clock_after is None else (clock_before, clock_after),
        preempted=None if preempted_before is None or preempted_after is None else preempted_after - preempted_before,
    )


def _inference_run(configuration: Configuration) -> tuple[TimedRun, float, str]:
    """Prepare the inference of random input: set the input tensors, invoke the model, get the output tensors.

    Returns the run, the load time in milliseconds, and the release of the engine.
    """
    model, clock = lone_model(Path(configuration.path)), time.perf_counter_ns
    # Loaded once before and dropped, so that the load time has neither the import of the engine nor page faults of the
    # file's bytes.
    load_engine(configuration.engine, model, configuration.threads)
    started = clock()
    engine = load_engine(configuration.engine, model, configuration.threads, **configuration.options)
    own = follows_contract(engine.inputs, engine.outputs)  # then as the classifier runs it, a batch in chunks
    run: Callable[[Any], object] = engine.run if own else engine.prepare([one.shape for one in configuration.shapes])
    load_ms = (clock() - started) / 1e6
    values = random_inputs(engine.inputs, configuration.shapes)
    given: Any = values[0] if own else values

    def run_once() -> tuple[int]:
        begun = clock()
        run(given)
        return (clock() - begun,)

    return run_once, load_ms, engine.version


def _refused_inputs(configuration: Configuration, error: Exception) -> ModelRejectedError:
    """Return the error for what an engine raised after it had loaded the file."""
    what = f"inputs {', '.join(map(str, configuration.shapes))}" if configuration.shapes else "a picture"
    version = engine_version(configuration.engine)
    return refusal(configuration.engine, version, lone_model(Path(configuration.path)), error, what)


def _picture_run(configuration: Configuration) -> tuple[TimedRun, float, str]:
    """Prepare the classification of one picture after the other, from its file to the prediction.

    Returns the run, the load time in milliseconds, and the release of the engine.
    """
    pictures, path = image_files(Path(str(configuration.images))), Path(configuration.path)
    started = time.perf_counter_ns()
    classifier = DigitClassifier(
        path if configuration.variant is None else path.parent,
        variant=cast("Variant | None", configuration.variant),
        engine=cast("EngineName", configuration.engine),
        num_threads=configuration.threads,
        verify=configuration.variant is not None,  # this process is one of its own already
    )
    load_ms = (time.perf_counter_ns() - started) / 1e6
    index = 0

    def run_once() -> tuple[int, ...]:
        nonlocal index
        timing = classifier.classify(pictures[index % len(pictures)]).timing
        index += 1
        return tuple(round(milliseconds * 1e6) for milliseconds in (timing.decode, timing.preprocess, timing.infer))

    return run_once, load_ms, classifier.engine_id.version


def warm_up(run_once: TimedRun) -> tuple[int, bool]:
    """Run until the median of a window of runs is within 5 % of the previous window's, or the time is up.

    Returns the number of runs, and whether the median settled.
    """
    runs, before, deadline = 0, 0.0, time.perf_counter() + _MAX_WARMUP_SECONDS
    while True:
        median = float(np.median([sum(run_once()) for _ in range(_WARMUP_WINDOW)]))
        runs += _WARMUP_WINDOW
        settled = abs(median - before) <= _SETTLED * before
        if settled or time.perf_counter() > deadline:
            return runs, settled
        before = median


def measure_steady_state(run_once: TimedRun, seconds: float, min_runs: int) -> NDArray[np.int64]:
    """Return the times of at least ``min_runs`` runs and ``seconds``: int64 ``[runs, stages]`` in nanoseconds."""
    times: list[tuple[int, ...]] = []
    deadline = time.perf_counter() + seconds
    while len(times) < min_runs or time.perf_counter() < deadline:
        times.extend(run_once() for _ in range(10))
    return np.array(times, np.int64)


def timer_overhead() -> float:
    """Return the median time between two consecutive readings of the clock, in nanoseconds."""
    clock = time.perf_counter_ns
    return float(np.median(np.diff([clock() for _ in range(_CLOCK_READINGS)])))


def _pin_to_processors(threads: int) -> tuple[int, ...] | None:
    """Pin this process to one processor for each thread and return them; None where the system cannot pin processes.

    The last processors are taken, since the first one serves most interrupts.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    with suppress(OSError):
        os.sched_setaffinity(0, allowed[-threads:])
    return tuple(sorted(os.sched_getaffinity(0)))


def _clock_mhz(cpus: tuple[int, ...] | None) -> float | None:
    if not cpus:
        return None
    kilohertz = leading_integer(read_text(f"/sys/devices/system/cpu/cpu{cpus[0]}/cpufreq/scaling_cur_freq"))
    return None if kilohertz is None else kilohertz / 1000


def _memory_mb(name: str) -> float | None:
    """Return a memory figure of this process alone; `getrusage` may report the peak of the process that started it."""
    kilobytes = leading_integer(find_field(read_text("/proc/self/status"), name))
    return None if kilobytes is None else kilobytes / 1024


def _preempted() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def main(arguments: list[str]) -> int:
    """Measure the configuration in the arguments, and report the sample to the parent process."""
    values, seconds, min_runs = arguments
    if int(min_runs) < 1:
        raise UsageError(f"expected at least 1 run, found {min_runs}")
    configuration = from_plain(Configuration, json.loads(values), "configuration")
    if configuration.variant is None:
        limit_resources(memory_for(configuration.bytes, configuration.threads))
    return report_to_parent(lambda: to_plain(measure(configuration, float(seconds), int(min_runs))))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
