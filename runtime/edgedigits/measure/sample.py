"""What one process measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from edgedigits.measure.raw_times import unpack
from edgedigits.records import Count


@dataclass(frozen=True, slots=True)
class Sample:
    """One process of one configuration.

    Attributes
    ----------
    started: seconds since 1970.
    cpus: the processors it was bound to; None where the system does not bind.
    load_ms: from the file's bytes to a model that is ready, the engine's import not counted.
    first_us: the first inference.
    warmup_runs, settled: inferences until the running median settled, and whether it did in time.
    timer_ns: what reading the clock itself adds to each time.
    times: raw times in the steady state by stage (`pack`): ``infer`` alone, or ``decode``, ``preprocess``, ``infer``.
    rss_mb, peak_rss_mb: memory in the end and at most, of the whole process.
    clock_mhz: of its processor before and after.
    preempted: how often another process took its processor during the steady state.

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
        """Raw times in ns by stage."""
        return {stage: unpack(text) for stage, text in self.times.items()}

    def total(self) -> NDArray[np.int64]:
        """Raw times in ns of all stages together."""
        return reduce(np.add, self.stages().values())
