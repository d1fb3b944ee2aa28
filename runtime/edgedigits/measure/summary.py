"""Summarise the samples of one configuration, with a bootstrap interval of the median over whole processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.measure.conditions import CLOCK_MOVED
from edgedigits.measure.sample import Sample
from edgedigits.records import Count

# The times within one process are correlated. An interval over all single times would be so narrow that it calls most
# repetitions of a measurement a change. So processes are resampled, never single times.
RESAMPLES = 4000
# The medians of processes of the same file are mostly within 3 % of each other.
SPREAD = 0.10
PREEMPTED = 0.05


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one configuration; each is the median over processes of the figure of one process.

    Attributes
    ----------
    processes, runs: the number of processes, and of inferences in their steady states together.
    min_us: the smallest time of all.
    p50_ci95_us: the 95 % interval of the median, by resampling processes.
    spread: the range of the medians of the processes, divided by their median.
    stages_us: the median of each stage.
    throughput: images a second, from the mean.

    """

    processes: Count
    runs: Count
    load_ms: float
    first_us: float
    warmup_runs: Count
    min_us: float
    p50_us: float
    p50_ci95_us: tuple[float, float]
    p90_us: float
    p99_us: float
    mean_us: float
    std_us: float
    spread: float
    stages_us: dict[str, float]
    throughput: float
    timer_ns: float
    rss_mb: float | None
    peak_rss_mb: float | None


def summarise(samples: Sequence[Sample], batch: int) -> Summary:
    """Summarise the samples of one configuration, at least one; ``batch`` is the number of images in one inference."""
    totals = [sample.total() / 1e3 for sample in samples]

    def median_over_processes(figure: Callable[[NDArray[np.float64]], object]) -> float:
        return float(np.median([figure(total) for total in totals]))

    medians = np.array([np.median(total) for total in totals])
    mean = median_over_processes(np.mean)
    return Summary(
        processes=len(samples),
        runs=sum(map(len, totals)),
        load_ms=_median([sample.load_ms for sample in samples]),
        first_us=_median([sample.first_us for sample in samples]),
        warmup_runs=round(_median([sample.warmup_runs for sample in samples])),
        min_us=float(min(total.min() for total in totals)),
        p50_us=float(np.median(medians)),
        p50_ci95_us=bootstrap(medians, 0.95),
        p90_us=median_over_processes(lambda total: np.percentile(total, 90)),
        p99_us=median_over_processes(lambda total: np.percentile(total, 99)),
        mean_us=mean,
        std_us=median_over_processes(np.std),
        spread=float((medians.max() - medians.min()) / np.median(medians)),
        stages_us={
            stage: _median([float(np.median(sample.stages()[stage])) / 1e3 for sample in samples])
            for stage in samples[0].times
        },
        throughput=batch * 1e6 / mean,
        timer_ns=_median([sample.timer_ns for sample in samples]),
        rss_mb=_median_or_none([sample.rss_mb for sample in samples]),
        peak_rss_mb=_median_or_none([sample.peak_rss_mb for sample in samples]),
    )


def bootstrap(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the median of ``values`` [n], always with the same random seed.

    Source: B. Efron, R. Tibshirani, "An introduction to the bootstrap" (1993), chapter 13.
    """
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    medians = np.median(values[drawn], axis=1)
    tail = 50 * (1 - level)
    low, high = np.percentile(medians, [tail, 100 - tail])
    return float(low), float(high)


def find_doubts(samples: Sequence[Sample], summary: Summary) -> list[str]:
    """Return one sentence for each sign that the figures of a configuration are unstable."""
    doubts = []
    if unsettled := sum(not sample.settled for sample in samples):
        doubts.append(f"{unsettled} of {len(samples)} processes had not settled at the end of the warm-up")
    if summary.spread > SPREAD:
        doubts.append(
            f"the medians of its processes differ by {summary.spread:.0%}; use more --processes or a quieter machine"
        )
    if change := max((_clock_change(sample.clock_mhz) for sample in samples), default=0.0):
        doubts.append(f"the processor's clock changed by {change:.0%}")
    disturbed = sum((sample.preempted or 0) > PREEMPTED * len(sample.total()) for sample in samples)
    if 2 * disturbed > len(samples):
        doubts.append(f"other programs interrupted more than {PREEMPTED:.0%} of the runs of most processes")
    return doubts


def _clock_change(clock: tuple[float, float] | None) -> float:
    """Return the relative change of the clock; 0 where it is unknown or too small to matter."""
    if clock is None or not clock[0]:
        return 0.0
    change = abs(clock[1] / clock[0] - 1)
    return change if change > CLOCK_MOVED else 0.0


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _median_or_none(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _median(known) if known else None
