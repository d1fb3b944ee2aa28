"""A sample: the times of one process of a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from edgedigits.measure.raw_times import unpack_times
from edgedigits.records import Count


@dataclass(frozen=True, slots=True)
class Sample:
    """The times of one process of one configuration.

    Attributes
    ----------
    started: when it started, in seconds since 1970.
    version: the release of the engine.
    cpus: the processors to which it was pinned; None where the system cannot pin processes.
    load_ms: the time from the bytes of the file to a model that is ready, without the import of the engine.
    first_us: the time of the first inference.
    warmup_runs, settled: the number of inferences in the warm-up, and whether the running median settled in time.
    timer_ns: the overhead of reading the clock in each time.
    times: the packed raw times (`pack_times`) of the steady state by stage: ``infer`` alone, or ``decode``,
        ``preprocess`` and ``infer``.
    rss_mb, peak_rss_mb: the resident memory of the process at its end, and its maximum.
    clock_mhz: the frequency of its processor before and after.
    preempted: the number of involuntary context switches during the steady state.

    """

    started: float
    version: str
    cpus: tuple[Count, ...] | None
    load_ms: float
    first_us: float
    warmup_runs: Count
    settled: bool
    timer_ns: float
    times: dict[str, str]
    rss_mb: float | None
    peak_rss_mb: float | None
    clock_mhz: tuple[float, float] | None
    preempted: Count | None

    def stages(self) -> dict[str, NDArray[np.int64]]:
        """Return the raw times by stage, int64 ``[runs]`` in nanoseconds."""
        return {stage: unpack_times(text) for stage, text in self.times.items()}

    def total(self) -> NDArray[np.int64]:
        """Return the raw times of all stages together, int64 ``[runs]`` in nanoseconds."""
        return reduce(np.add, self.stages().values())
