"""Intervals and tests beside scipy's and statsmodels', which others wrote from the same papers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.verification.statistics import Z95, mcnemar_exact, tango, wilson

optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed: the extra [dev] is not there")
stats = pytest.importorskip("scipy.stats")
proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
tables = pytest.importorskip("statsmodels.stats.contingency_tables")

COUNTS = st.integers(1, 20_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))
PAIRS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10_000)).map(
    lambda case: (case[0], case[1], max(1, case[0] + case[1] + case[2]))
)


@given(COUNTS)
def test_wilson_s_interval_is_theirs(case):
    correct, count = case
    scipys = stats.binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert wilson(correct, count) == pytest.approx((scipys.low, scipys.high), abs=1e-12)
    statsmodels = proportion.proportion_confint(correct, count, 0.05, "wilson")
    assert wilson(correct, count) == pytest.approx(statsmodels, abs=1e-12)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_s_exact_p_value_is_theirs(lost, gained):
    theirs = tables.mcnemar([[5, lost], [gained, 7]], exact=True).pvalue
    assert mcnemar_exact(lost, gained) == pytest.approx(min(1, theirs), rel=1e-9)
    if lost + gained:
        assert mcnemar_exact(lost, gained) == pytest.approx(stats.binomtest(lost, lost + gained).pvalue, rel=1e-9)


def score(difference, lost, gained, count):
    """Tango's statistic from its definition: the score of a difference where the rest is the likeliest under it.

    ``P(gained)`` is what maximizes the likelihood of the three kinds of pairs, found by scipy instead of by a closed
    form; the variance is that of ``lost - gained`` for these probabilities.
    """

    def against(share):
        kinds = np.array([share + difference, share, 1 - 2 * share - difference])
        counts = np.array([lost, gained, count - lost - gained])
        seen = counts > 0
        return -(counts[seen] * np.log(np.maximum(kinds[seen], 1e-300))).sum()

    low, high = max(0.0, -difference), (1 - difference) / 2
    share = optimize.minimize_scalar(against, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x
    variance = count * (2 * share + difference - difference**2)
    return (lost - gained - count * difference) / np.sqrt(variance)


@given(PAIRS)
def test_tango_s_ends_are_where_the_score_from_its_definition_reaches_the_quantile(case):
    assert pytest.approx(stats.norm.ppf(0.975)) == Z95
    low, high = tango(*case)
    if low > -1:
        assert score(low, *case) == pytest.approx(Z95, rel=1e-3)
    if high < 1:
        assert score(high, *case) == pytest.approx(-Z95, rel=1e-3)
