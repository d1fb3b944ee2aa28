"""What all workers share: their request, their timing and their report. Only numpy is needed in every environment.

A worker is started as ``python ask_PEER.py REQUEST``, REQUEST in JSON: ``model`` (paths), ``images`` (an .npy of uint8
``[N, 28, 28]``), ``how`` (one of the peer's ways), ``versions`` (packages to report the version of), ``cpu`` (the one
to stay on, or null), ``seconds`` (of steady state; null means digits and no times). It writes one JSON line when it has
its first digit, which ends the cold start, and one with its report.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import re
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

LEAST_COUNT = 200
_WINDOW = 20
_SETTLED = 0.05
_MAX_WARM_SECONDS = 5.0


@dataclass(frozen=True)
class Loaded:
    """A model that is ready.

    Attributes
    ----------
    classify: from uint8 ``[28, 28]`` to the digit.
    classify_all: from uint8 ``[N, 28, 28]`` to the digits, untimed, for those that would take minutes one by one.
    note: what the engine says of how it computes.

    """

    classify: Callable[[Any], int]
    classify_all: Callable[[Any], list[int]] | None = None
    note: str = ""


def serve(load: Callable[[dict[str, Any]], Loaded]) -> None:
    """Serve the request on the command line; ``load(request)`` imports the peer and reads the model."""
    request = json.loads(sys.argv[1])
    report = _own_output()
    if request["cpu"] is not None:
        # Before numpy and the engines count the processors that they may use.
        os.sched_setaffinity(0, {request["cpu"]})
    loaded = load(request)
    import numpy as np

    images = np.load(request["images"])
    _write(report, digit=loaded.classify(images[0]))
    if request["seconds"] is None:
        found: dict[str, Any] = {"digits": _digits(loaded, images)}
    else:
        found = _times(loaded.classify, [image.copy() for image in images], request["seconds"])
    _write(report, **found, note=loaded.note, versions={package: version(package) for package in request["versions"]})


def _own_output() -> TextIO:
    """Return standard output for the worker alone: what libraries print there goes to standard error."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return report


def _write(report: TextIO, **values: Any) -> None:
    print(json.dumps(values), file=report, flush=True)


def _digits(loaded: Loaded, images: Any) -> list[int]:
    return loaded.classify_all(images) if loaded.classify_all else [loaded.classify(image) for image in images]


def _times(classify: Callable[[Any], int], images: list[Any], seconds: float) -> dict[str, Any]:
    """Time warm-up and steady state, without the garbage collector."""
    import numpy as np

    lasted = _durations(classify, images)
    gc.collect()
    gc.disable()
    warmup = _warm_up(lasted)
    times = _steady(lasted, seconds)
    gc.enable()
    peak, threads = _status("VmHWM"), _status("Threads")
    p50, p99 = np.percentile(np.frombuffer(times, np.int64), [50, 99]) / 1e3
    return {
        "warmup": warmup, "count": len(times), "p50_us": float(p50), "p99_us": float(p99),
        "peak_mb": None if peak is None else peak / 1024, "threads_running": threads,
    }  # fmt: skip


def _durations(classify: Callable[[Any], int], images: list[Any]) -> Iterator[int]:
    """Yield nanoseconds of one image after another; which is next is not timed."""
    for image in itertools.cycle(images):
        started = time.perf_counter_ns()
        classify(image)
        yield time.perf_counter_ns() - started


def _warm_up(lasted: Iterator[int]) -> int:
    """Classify until the median of a window is within 5 % of that of the window before; how many it took."""
    count, before, deadline = 0, 0, time.perf_counter() + _MAX_WARM_SECONDS
    while True:
        median = sorted(itertools.islice(lasted, _WINDOW))[_WINDOW // 2]
        count += _WINDOW
        if abs(median - before) <= _SETTLED * before or time.perf_counter() > deadline:
            return count
        before = median


def _steady(lasted: Iterator[int], seconds: float) -> array[int]:
    """Return the times of ``seconds`` and at least `LEAST_COUNT` images, eight bytes each: not to count as memory."""
    times = array("q")
    deadline = time.perf_counter() + seconds
    while len(times) < LEAST_COUNT or time.perf_counter() < deadline:
        times.extend(itertools.islice(lasted, _WINDOW))
    return times


def _status(field: str) -> int | None:
    """Return a number of this process; getrusage's peak would be the parent's where that was larger before exec."""
    status = Path("/proc/self/status")
    found = re.search(rf"^{field}:\s+(\d+)", status.read_text(), re.MULTILINE) if status.is_file() else None
    return int(found[1]) if found else None
