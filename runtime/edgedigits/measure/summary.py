"""The figures of one configuration out of its processes, with an interval that only whole processes decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.measure.conditions import CLOCK_MOVED
from edgedigits.measure.sample import Sample
from edgedigits.records import Count

# Single inferences of one process resemble each other more than those of two: an interval from them all would be so
# narrow that it calls every other run of the same file a change. So processes are drawn anew, never inferences.
RESAMPLES = 4000
# Medians of processes of one and the same file are mostly within 3 % of each other.
SPREAD = 0.10
PREEMPTED = 0.05


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over the processes of what each of them says of itself.

    Attributes
    ----------
    processes, runs: how many, and inferences in the steady state of them all.
    p50_ci95_us: of the median, by drawing processes anew.
    spread: how far the processes' medians lie apart, by their median.
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
    """Sum up at least one process of a configuration."""
    totals = [sample.total() / 1e3 for sample in samples]

    def over(figure: Callable[[NDArray[np.float64]], object]) -> float:
        return float(np.median([figure(total) for total in totals]))

    medians = np.array([np.median(total) for total in totals])
    mean = over(np.mean)
    return Summary(
        processes=len(samples),
        runs=sum(map(len, totals)),
        load_ms=_median([sample.load_ms for sample in samples]),
        first_us=_median([sample.first_us for sample in samples]),
        warmup_runs=round(_median([sample.warmup_runs for sample in samples])),
        min_us=float(min(total.min() for total in totals)),
        p50_us=float(np.median(medians)),
        p50_ci95_us=bootstrap(medians, 0.95),
        p90_us=over(lambda total: np.percentile(total, 90)),
        p99_us=over(lambda total: np.percentile(total, 99)),
        mean_us=mean,
        std_us=over(np.std),
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
    """The percentile interval of the median of ``values`` [n] by drawing n of them anew, always with the same dice.

    Source: B. Efron, R. Tibshirani, "An introduction to the bootstrap" (1993), chapter 13.
    """
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    medians = np.median(values[drawn], axis=1)
    tail = 50 * (1 - level)
    low, high = np.percentile(medians, [tail, 100 - tail])
    return float(low), float(high)


def doubts(samples: Sequence[Sample], summary: Summary) -> list[str]:
    """Plain sentences about what makes this configuration's figures unstable."""
    found = []
    if unsettled := sum(not sample.settled for sample in samples):
        found.append(f"{unsettled} of {len(samples)} processes had not settled when the warm-up's time was over")
    if summary.spread > SPREAD:
        found.append(
            f"its processes' medians lie {summary.spread:.0%} apart; take more --processes or a quieter machine"
        )
    if moved := max((_moved(sample.clock_mhz) for sample in samples), default=0.0):
        found.append(f"the processor's clock moved by {moved:.0%}")
    often = sum((sample.preempted or 0) > PREEMPTED * len(sample.total()) for sample in samples)
    if 2 * often > len(samples):
        found.append(f"other programs took the processor in more than {PREEMPTED:.0%} of the runs of most processes")
    return found


def _moved(clock: tuple[float, float] | None) -> float:
    if clock is None or not clock[0]:
        return 0.0
    change = abs(clock[1] / clock[0] - 1)
    return change if change > CLOCK_MOVED else 0.0


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


def _median_or_none(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return _median(there) if there else None
