"""The process that measures one configuration: load, first inference, warm-up, steady state.

``python -m edgedigits.measure.worker CONFIGURATION SECONDS RUNS``, for `run_isolated`.
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
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Variant
from edgedigits.classifier import DigitClassifier
from edgedigits.datasets.own import image_files
from edgedigits.engines import EngineName, load_engine
from edgedigits.errors import UsageError
from edgedigits.isolation import report_to_parent
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.raw import pack
from edgedigits.measure.sample import Sample
from edgedigits.model import lone_model
from edgedigits.records import from_plain, to_plain
from edgedigits.system_info.text import field, number, read_text
from edgedigits.tensors import random_input

# Times in ns of one run, by stage.
Once = Callable[[], tuple[int, ...]]

STAGES = {False: ("infer",), True: ("decode", "preprocess", "infer")}
_WARM_WINDOW = 20
_SETTLED = 0.05
_MAX_WARM_SECONDS = 2.0
_CLOCK_READINGS = 1001


def measure(asked: Configuration, seconds: float, least: int) -> Sample:
    """Measure in this process for at least ``seconds`` and ``least`` runs of steady state.

    Raises
    ------
    EdgeDigitsError: the file or a picture cannot be read, or the engine refuses it.

    """
    cpus, started = _bind(asked.threads), time.time()
    once, load_ms, version = _pipeline(asked) if asked.images else _bare(asked)
    first = sum(once())
    gc.collect()
    gc.disable()
    clock = _clock_mhz(cpus)
    warmup, settled = warm_up(once)
    preempted = _preempted()
    times = steady(once, seconds, least)
    taken = _preempted()
    gc.enable()
    after = _clock_mhz(cpus)
    return Sample(
        started=started,
        version=version,
        cpus=cpus,
        load_ms=load_ms,
        first_us=first / 1e3,
        warmup_runs=warmup,
        settled=settled,
        timer_ns=timer_overhead(),
        times={stage: pack(kept) for stage, kept in zip(STAGES[asked.images is not None], times.T, strict=True)},
        rss_mb=_memory_mb("VmRSS"),
        peak_rss_mb=_memory_mb("VmHWM"),
        clock_mhz=None if clock is None or after is None else (clock, after),
        preempted=None if preempted is None or taken is None else taken - preempted,
    )


def _bare(asked: Configuration) -> tuple[Once, float, str]:
    """One inference of an input of noise: tensors set, model invoked, tensors got."""
    model = lone_model(Path(asked.path))
    load_engine(
        asked.engine, model, asked.threads
    )  # imports the engine and reads the file, which are no part of loading
    started = time.perf_counter_ns()
    engine = load_engine(asked.engine, model, asked.threads, **asked.options)
    load_ms = (time.perf_counter_ns() - started) / 1e6
    image, run, clock = random_input(engine.image, asked.batch), engine.run, time.perf_counter_ns

    def once() -> tuple[int]:
        begun = clock()
        run(image)
        return (clock() - begun,)

    return once, load_ms, engine.version


def _pipeline(asked: Configuration) -> tuple[Once, float, str]:
    """One picture after the other, from its file to the answer."""
    pictures = image_files(Path(str(asked.images)))
    place: Path = Path(asked.path) if asked.variant is None else Path(asked.path).parent
    started = time.perf_counter_ns()
    classifier = DigitClassifier(
        place,
        variant=cast("Variant | None", asked.variant),
        engine=cast("EngineName", asked.engine),
        num_threads=asked.threads,
    )
    load_ms = (time.perf_counter_ns() - started) / 1e6
    turn = 0

    def once() -> tuple[int, ...]:
        nonlocal turn
        told = classifier.classify(pictures[turn % len(pictures)]).timing
        turn += 1
        return tuple(round(milliseconds * 1e6) for milliseconds in (told.decode, told.preprocess, told.infer))

    return once, load_ms, classifier.engine_id.version


def warm_up(once: Once) -> tuple[int, bool]:
    """Run until the median of a window is within 5 % of the window's before: how many it took, and whether it was."""
    runs, before, deadline = 0, 0.0, time.perf_counter() + _MAX_WARM_SECONDS
    while True:
        median = float(np.median([sum(once()) for _ in range(_WARM_WINDOW)]))
        runs += _WARM_WINDOW
        settled = abs(median - before) <= _SETTLED * before
        if settled or time.perf_counter() > deadline:
            return runs, settled
        before = median


def steady(once: Once, seconds: float, least: int) -> NDArray[np.int64]:
    """Times in ns, int64 ``[runs, stages]``, for at least ``seconds`` and ``least`` runs."""
    times: list[tuple[int, ...]] = []
    deadline = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < deadline:
        times.extend(once() for _ in range(10))
    return np.array(times, np.int64)


def timer_overhead() -> float:
    """Median of the ns between two readings of the clock, one right after the other."""
    clock = time.perf_counter_ns
    return float(np.median(np.diff([clock() for _ in range(_CLOCK_READINGS)])))


def _bind(threads: int) -> tuple[int, ...] | None:
    """Stay on as many processors as there are threads, the last ones: the first serves most interrupts."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    with suppress(OSError):
        os.sched_setaffinity(0, allowed[-threads:])
    return tuple(sorted(os.sched_getaffinity(0)))


def _clock_mhz(cpus: tuple[int, ...] | None) -> float | None:
    told = number(read_text(f"/sys/devices/system/cpu/cpu{cpus[0]}/cpufreq/scaling_cur_freq")) if cpus else None
    return None if told is None else told / 1000


def _memory_mb(name: str) -> float | None:
    """Of this process alone: what `getrusage` calls the peak may be that of the process that started it."""
    told = number(field(read_text("/proc/self/status"), name))
    return None if told is None else told / 1024


def _preempted() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def main(words: list[str]) -> int:
    """Measure what the words say, and tell the parent."""
    configuration, seconds, least = words
    if int(least) < 1:
        raise UsageError(f"expected at least 1 run, found {least}")
    asked = from_plain(Configuration, json.loads(configuration), "configuration")
    return report_to_parent(lambda: to_plain(measure(asked, float(seconds), int(least))))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
