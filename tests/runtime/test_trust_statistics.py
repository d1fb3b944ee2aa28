from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.trust.statistics import Z95, wilson

COUNTS = st.integers(1, 20_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998), table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_examples_come_out(correct, count, low, high):
    assert wilson(correct, count) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS)
def test_the_interval_holds_the_share_and_stays_between_0_and_1(case):
    correct, count = case
    low, high = wilson(correct, count)
    assert 0 <= low <= correct / count + 1e-12
    assert correct / count - 1e-12 <= high <= 1
    assert low < high


@given(COUNTS)
def test_right_and_wrong_mirror_each_other(case):
    correct, count = case
    low, high = wilson(correct, count)
    assert wilson(count - correct, count) == pytest.approx((1 - high, 1 - low))


@given(COUNTS)
def test_its_ends_are_where_a_normal_test_just_does_not_reject(case):
    correct, count = case
    for end in wilson(correct, count):
        if 0 < end < 1:
            assert abs(correct / count - end) == pytest.approx(Z95 * math.sqrt(end * (1 - end) / count), abs=1e-7)


@given(COUNTS, st.floats(0.1, 3))
def test_more_certainty_needs_a_wider_interval(case, z):
    low, high = wilson(*case, z=z)
    wider = wilson(*case, z=z + 0.5)
    assert wider[0] <= low + 1e-12
    assert wider[1] >= high - 1e-12


@pytest.mark.parametrize(("correct", "count"), [(-1, 5), (6, 5), (0, 0), (0, -1)])
def test_what_is_no_share_is_refused(correct, count):
    with pytest.raises(ValueError, match=f"found {correct} of {count}$"):
        wilson(correct, count)
