"""Judging: two opinions become one, and a refusal says why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgedigits.images.judge import PARAMETERS, evidence, fuse, judge

SHARES = arrays(np.float32, 10, elements=st.floats(0, 1, width=32)).filter(lambda values: values.sum() > 0.1)


def opinion(**shares: float) -> np.ndarray:
    values = np.full(10, (1 - sum(shares.values())) / (10 - len(shares)), np.float32)
    for name, share in shares.items():
        values[int(name[1:])] = share
    return values


@given(one=SHARES, other=SHARES)
def test_fused_opinions_sum_to_one_and_agreement_stays(one: np.ndarray, other: np.ndarray) -> None:
    one, other = one / one.sum(), other / other.sum()
    fused = fuse(one, other, PARAMETERS)
    assert fused.sum() == pytest.approx(1, abs=1e-5)
    if one.argmax() == other.argmax():
        assert fused.argmax() == one.argmax()


def test_weight_decides_between_two_opinions() -> None:
    classified, located = opinion(d3=0.6, d8=0.39), opinion(d8=0.95)
    assert int(fuse(classified, located, {"locator": 0.0}).argmax()) == 3
    assert int(fuse(classified, located, {"locator": 1.0}).argmax()) == 8
    np.testing.assert_allclose(fuse(classified, located, {"locator": 0.0}), classified, atol=2e-3)


def test_evidence_grows_with_both_opinions() -> None:
    assert evidence(0.9, 0.99, {}) > evidence(0.5, 0.99, {}) > evidence(0.5, 0.6, {})
    assert evidence(0.9, 0.99, {"offset": -100.0}) < 0


def test_sure_digit_is_an_answer_and_doubts_have_names() -> None:
    assert judge(opinion(d4=0.999), 0.95, {}) is None
    both = judge(opinion(d4=0.5, d9=0.48), 0.9, {})
    assert both is not None
    assert (both.reason, set(both.measured)) == ("ambiguous", {"confidence", "second"})
    unlike = judge(opinion(d4=0.3), 0.2, {})
    assert unlike is not None
    assert (unlike.reason, set(unlike.measured)) == ("not_digit_like", {"confidence", "found"})


def test_an_exact_tie_is_never_an_answer() -> None:
    tied = judge(opinion(d4=0.5, d9=0.5), 1.0, {"offset": 100.0})
    assert tied is not None
    assert tied.reason == "ambiguous"


def test_where_nobody_looked_the_classifier_alone_decides() -> None:
    assert judge(opinion(d4=0.99), None, {}) is None
    flat = judge(np.full(10, 0.1, np.float32), None, {})
    assert flat is not None
    assert "found" not in flat.measured
    assert judge(opinion(d4=0.8), None, {"confidence": 0.81}) is not None
    assert judge(opinion(d4=0.8), None, {"confidence": 0.79}) is None
