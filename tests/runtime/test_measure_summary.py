from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import STEADY, sample, timed, times_by

from edgedigits.measure.raw_times import pack_times
from edgedigits.measure.summary import bootstrap, find_doubts, summarise

MEDIANS = st.lists(st.floats(1, 1e6), min_size=1, max_size=20).map(np.array)
LEVELS = st.sampled_from([0.5, 0.95, 0.99])


@given(MEDIANS, LEVELS)
def test_an_interval_lies_inside_what_it_is_of(values, level):
    low, high = bootstrap(values, level)
    assert values.min() <= low <= high <= values.max()


@given(st.floats(1, 1e6), st.integers(1, 20), LEVELS)
def test_an_interval_of_equal_values_is_that_value(value, count, level):
    assert bootstrap(np.full(count, value), level) == (value, value)


@given(MEDIANS, LEVELS)
def test_an_interval_is_the_same_at_every_look(values, level):
    assert bootstrap(values, level) == bootstrap(values.copy(), level)


@given(MEDIANS, st.floats(0.01, 100), LEVELS)
def test_an_interval_is_in_the_unit_of_its_values(values, factor, level):
    assert bootstrap(values * factor, level) == pytest.approx([factor * end for end in bootstrap(values, level)])


@given(MEDIANS)
def test_a_surer_interval_is_no_narrower(values):
    low, high = bootstrap(values, 0.95)
    surer_low, surer_high = bootstrap(values, 0.99)
    assert surer_low <= low <= high <= surer_high


@pytest.mark.slow
@given(st.permutations(range(20)))
def test_the_order_of_the_processes_decides_nothing_but_the_resamples(order):
    low, high = bootstrap(np.array(order, float), 0.95)
    expected = bootstrap(np.arange(20.0), 0.95)
    assert (low, high) == pytest.approx(expected, abs=1)


def test_an_interval_has_its_level():
    # Of 201 values that are resampled, the median's rank has a standard deviation of half the root of 201: 7.1.
    for level, deviations in ((0.5, 0.674), (0.95, 1.960), (0.99, 2.576)):
        low, high = bootstrap(np.arange(201.0), level)
        assert (100 - low, high - 100) == pytest.approx([deviations * 201**0.5 / 2] * 2, abs=1.5)


def test_each_figure_is_the_median_over_processes_of_their_figures():
    processes = [
        timed(1_000, 2_000, 9_000, load_ms=1.0, first_us=30.0, warmup_runs=40, timer_ns=10.0, rss_mb=50.0),
        timed(2_000, 3_000, 10_000, load_ms=2.0, first_us=10.0, warmup_runs=60, timer_ns=20.0, rss_mb=60.0),
        timed(4_000, 5_000, 12_000, load_ms=9.0, first_us=20.0, warmup_runs=80, timer_ns=90.0, rss_mb=None),
    ]
    found = summarise(processes, 1)
    assert (found.processes, found.runs) == (3, 9)
    assert (found.load_ms, found.first_us, found.warmup_runs, found.timer_ns) == (2, 20, 60, 20)
    assert (found.rss_mb, found.peak_rss_mb) == (55, 60)
    assert (found.min_us, found.p50_us) == (1, 3)
    assert (found.mean_us, found.std_us) == pytest.approx((5, np.std([2, 3, 10])))
    assert found.p90_us == pytest.approx(3 + 0.8 * 7)
    assert found.p99_us == pytest.approx(3 + 0.98 * 7)
    assert found.spread == pytest.approx((5 - 2) / 3)
    assert found.p50_ci95_us == (2, 5)
    assert found.stages_us == {"infer": 3}
    assert found.throughput == pytest.approx(1e6 / 5)


def test_one_process_that_was_disturbed_does_not_move_the_figures():
    calm = summarise([sample(median) for median in STEADY], 1)
    disturbed = summarise([sample(median) for median in (*STEADY[:-1], 90.0)], 1)
    assert disturbed.p50_us == pytest.approx(calm.p50_us, rel=0.005)
    assert disturbed.p50_ci95_us[1] < 11
    assert disturbed.spread > 7


def test_more_inferences_in_each_process_make_no_interval_narrower():
    # Runs of one process resemble each other: what they agree on says nothing about the next process.
    few = [timed(*[round(median * 1000)] * 10) for median in STEADY]
    many = [timed(*[round(median * 1000)] * 1000) for median in STEADY]
    assert summarise(few, 1).p50_ci95_us == summarise(many, 1).p50_ci95_us


@pytest.mark.slow
@given(st.floats(1, 50))
def test_times_that_are_longer_by_a_factor_have_figures_longer_by_it(factor):
    one, other = (summarise([sample(m) for m in times_by(by)], 1) for by in (1, factor))
    for name in ("min_us", "p50_us", "p50_ci95_us", "p90_us", "p99_us", "mean_us"):
        assert getattr(other, name) == pytest.approx(np.multiply(getattr(one, name), factor), rel=1e-3)
    assert other.throughput == pytest.approx(one.throughput / factor, rel=1e-3)


def test_stages_have_their_own_medians_and_the_figures_are_of_them_together():
    times = {
        "decode": [100_000, 200_000, 900_000],
        "preprocess": [30_000, 20_000, 10_000],
        "infer": [7_000, 8_000, 9_000],
    }
    staged = sample(times={stage: pack_times(np.array(values)) for stage, values in times.items()})
    found = summarise([staged] * 5, 1)
    assert found.stages_us == {"decode": 200, "preprocess": 20, "infer": 8}
    assert (found.p50_us, found.min_us) == (228, 137)


def test_a_batch_counts_as_many_images_as_are_in_it():
    processes = [sample(median) for median in STEADY]
    one, eight = (summarise(processes, batch) for batch in (1, 8))
    assert eight.throughput == pytest.approx(8 * one.throughput)
    assert eight.p50_us == one.p50_us


def test_memory_that_no_process_reports_is_none():
    found = summarise([sample(rss_mb=None, peak_rss_mb=None)] * 5, 1)
    assert (found.rss_mb, found.peak_rss_mb) == (None, None)


def doubts_of(*processes):
    return find_doubts(processes, summarise(processes, 1))


CALM = tuple(sample(median) for median in STEADY)


def test_a_calm_measurement_raises_no_doubt():
    assert doubts_of(*CALM) == []
    assert doubts_of(*(replace(one, clock_mhz=(1500, 1440), preempted=5) for one in CALM)) == []
    assert doubts_of(*(replace(one, clock_mhz=(0, 1500), preempted=None) for one in CALM)) == []


def test_processes_that_did_not_settle_are_counted():
    assert doubts_of(*CALM[:8], *(replace(one, settled=False) for one in CALM[8:])) == [
        "2 of 10 processes had not settled at the end of the warm-up"
    ]


def test_medians_far_apart_are_a_doubt():
    assert doubts_of(*CALM[:9], sample(10.90)) == []
    (line,) = doubts_of(*CALM[:9], sample(11.2))
    assert line == "the medians of its processes differ by 12%; use more --processes or a quieter machine"


@pytest.mark.parametrize(("after", "moved"), [(1350, "10%"), (1650, "10%"), (600, "60%")])
def test_a_clock_that_moved_in_one_process_is_a_doubt(after, moved):
    lines = doubts_of(*CALM[:9], replace(CALM[9], clock_mhz=(1500, after)))
    assert lines == [f"the processor's clock changed by {moved}"]


def test_a_processor_that_was_taken_away_in_most_processes_is_a_doubt():
    taken = [replace(one, preempted=6) for one in CALM]  # of 101 runs
    assert doubts_of(*taken[:5], *CALM[5:]) == []
    assert doubts_of(*taken[:6], *CALM[6:]) == ["other programs interrupted more than 5% of the runs of most processes"]
