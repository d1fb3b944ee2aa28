from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.images.rejection import DIGIT_PARAMETERS, judge

BOTH_ASKED = {"confidence": 0.5, "margin": 0.25}


def scores(*highest, classes=10):
    """Probabilities with these first and the rest even; eighths are exact in float32."""
    rest = (1 - sum(highest)) / (classes - len(highest))
    return np.array([*highest, *[rest] * (classes - len(highest))], np.float32)


@pytest.mark.parametrize(("highest", "reason", "measured"), [
    ((1.0,), None, None),
    ((0.75,), None, None),
    ((0.625, 0.375), None, None),  # exactly the margin
    ((0.59375, 0.40625), "ambiguous", {"confidence": 0.59375, "second": 0.40625}),
    ((0.5, 0.46875), "ambiguous", {"confidence": 0.5, "second": 0.46875}),
    ((0.5, 0.375), None, None),  # the two do not hold nine tenths, and the confidence is reached
    ((0.46875, 0.125), "not_digit_like", {"confidence": 0.46875}),
])  # fmt: skip
def test_each_reason_has_its_edge_and_its_numbers(highest, reason, measured):
    values = scores(*highest)
    for turned in (values, values[::-1], np.roll(values, 3)):
        found = judge(turned, BOTH_ASKED)
        if reason is None:
            assert found is None
        else:
            assert (found.reason, dict(found.measured)) == (reason, measured)


@pytest.mark.parametrize(("share", "reason"), [(0.625, None), (0.4375, "not_digit_like"), (0.0, "not_digit_like")])
def test_what_the_classes_leave_of_1_speaks_for_none_of_them(share, reason):
    values = np.zeros(10, np.float32)
    values[7] = share
    found = judge(values, BOTH_ASKED)
    assert (found and (found.reason, dict(found.measured))) == (reason and (reason, {"confidence": share}))


def test_exact_ties_are_ambiguous_whatever_is_asked():
    for parameters in ({}, {"confidence": 0.9}, DIGIT_PARAMETERS):
        found = judge(scores(0.5, 0.5), parameters)
        assert (found.reason, found.measured) == ("ambiguous", {"confidence": 0.5, "second": 0.5})
        assert judge(np.full(10, 0.1, np.float32), parameters).reason == "ambiguous"


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any))
def test_without_parameters_only_ties_are_refused(weights):
    values = np.array(weights, np.float64) / sum(weights)
    values = values.astype(np.float32)
    found = judge(values, {})
    tied = np.count_nonzero(values == values.max()) > 1
    assert (found is not None) == tied


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any),
    st.floats(0, 1),
    st.floats(0, 0.5),
)
def test_the_judgement_is_that_of_its_definition(weights, confidence, margin):
    values = (np.array(weights, np.float64) / sum(weights)).astype(np.float32)
    second, first = (float(value) for value in np.sort(values)[-2:])
    found = judge(values, {"confidence": confidence, "margin": margin})
    if first == second or (first + second > 0.9 and first - second < margin):
        expected = "ambiguous"
    else:
        expected = "not_digit_like" if first < confidence else None
    # Probabilities rounded to float32 do not sum to one to the last digit.
    if abs(first - second - margin) > 1e-6 and abs(first - (1 - margin / 2)) > 1e-6:
        assert (found and found.reason) == expected


@pytest.mark.parametrize(("parameters", "reason"), [
    ({"confidence": 0.625}, None), ({"confidence": 0.63}, "not_digit_like"),
    ({"margin": 0.25}, None), ({"margin": 0.26}, "ambiguous"),
])  # fmt: skip
def test_each_parameter_asks_for_itself_alone(parameters, reason):
    found = judge(scores(0.625, 0.375), parameters)
    assert (found and found.reason) == reason


def test_two_classes_and_one_are_judged_like_ten():
    assert judge(scores(0.75, 0.25, classes=3), {}) is None
    assert judge(np.array([0.5, 0.5], np.float32), {}).reason == "ambiguous"
    assert judge(np.array([1.0], np.float32), DIGIT_PARAMETERS) is None
