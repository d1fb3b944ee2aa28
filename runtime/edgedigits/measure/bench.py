"""Latency of one model file in one engine, in a fresh process: load, first inference, warm-up, steady state."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.apart import run_apart, tell_parent
from edgedigits.engines import load_engine
from edgedigits.engines.protocol import Engine
from edgedigits.model import lone_model
from edgedigits.tensors import random_input

_WARM_WINDOW = 20
_SETTLED = 0.05
_MAX_WARM_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of one configuration.

    Attributes
    ----------
    load_ms: from the file's bytes to a model that is ready, the engine's import not counted.
    first_us: the first inference.
    warmup_runs: inferences until the running median settled.
    min_us, p50_us, p90_us, p99_us, mean_us, std_us: over ``runs`` inferences in the steady state, tensors set and got.
    throughput: inferences a second, from the mean.
    peak_rss_mb: of the whole process.

    """

    engine: str
    version: str
    threads: int
    load_ms: float
    first_us: float
    warmup_runs: int
    runs: int
    min_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    mean_us: float
    std_us: float
    throughput: float
    peak_rss_mb: float | None


def bench_apart(path: Path, engine: str, threads: int, seconds: float) -> Latency:
    """Measure the file at ``path`` in a fresh process for at least ``seconds`` of steady state.

    Raises
    ------
    EdgeDigitsError: what the process met, of the same class (see `run_apart`).

    """
    arguments = [str(path), engine, str(threads), str(seconds)]
    return Latency(**run_apart(__name__, arguments, f"{path.name}: {engine}"))


def measure(path: Path, engine: str, threads: int, seconds: float) -> Latency:
    """Measure in this process; `bench_apart` gives a fresh one.

    Raises
    ------
    EdgeDigitsError: the file cannot be read, or the engine refuses it.

    """
    model = lone_model(path)
    load_engine(engine, model, threads).close()  # the engine's import, and the file's pages, are not the load
    started = time.perf_counter_ns()
    loaded = load_engine(engine, model, threads)
    load_ms = (time.perf_counter_ns() - started) / 1e6
    once = _timer(loaded)
    first = once()
    gc.collect()
    gc.disable()
    warmup = _warm_up(once)
    times = _steady(once, seconds)
    gc.enable()
    p50, p90, p99 = np.percentile(times, [50, 90, 99]) / 1e3
    mean = float(times.mean()) / 1e3
    return Latency(
        engine, loaded.version, threads, load_ms, first / 1e3, warmup, len(times),
        float(times.min()) / 1e3, float(p50), float(p90), float(p99), mean, float(times.std()) / 1e3,
        1e6 / mean, _peak_rss_mb(),
    )  # fmt: skip


def _timer(engine: Engine) -> Callable[[], int]:
    image = random_input(engine.image)

    def once() -> int:
        started = time.perf_counter_ns()
        engine.run(image)
        return time.perf_counter_ns() - started

    return once


def _warm_up(once: Callable[[], int]) -> int:
    """Infer until the median of a window is within 5 % of the window's before; returns how many it took."""
    runs, before, deadline = 0, 0.0, time.perf_counter() + _MAX_WARM_SECONDS
    while True:
        median = float(np.median([once() for _ in range(_WARM_WINDOW)]))
        runs += _WARM_WINDOW
        if abs(median - before) <= _SETTLED * before or time.perf_counter() > deadline:
            return runs
        before = median


def _steady(once: Callable[[], int], seconds: float) -> NDArray[np.int64]:
    """Times in ns, for at least ``seconds`` and at least 100 inferences."""
    times: list[int] = []
    deadline = time.perf_counter() + seconds
    while len(times) < 100 or time.perf_counter() < deadline:
        times.extend(once() for _ in range(50))
    return np.array(times, np.int64)


def _peak_rss_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _measure(path: str, engine: str, threads: str, seconds: str) -> dict[str, Any]:
    """The process's own side."""
    return asdict(measure(Path(path), engine, int(threads), float(seconds)))


if __name__ == "__main__":
    raise SystemExit(tell_parent(lambda: _measure(*sys.argv[1:])))
