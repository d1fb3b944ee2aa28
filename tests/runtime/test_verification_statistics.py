from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.verification.statistics import (
    KL_FLOOR,
    Z95,
    expected_calibration_error,
    kl_divergence,
    mcnemar_exact,
    negative_log_likelihood,
    tango,
    undo_temperature,
    wilson,
)

COUNTS = st.integers(1, 20_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))
# (lost, gained, count), a few changes among many as parity has them, and all that is possible.
PAIRS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 10_000)).map(
    lambda case: (case[0], case[1], max(1, case[0] + case[1] + case[2]))
)
OUTPUTS = npst.arrays(np.float32, (5, 3), elements=st.floats(0, 1, width=32))


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


@pytest.mark.parametrize(
    ("lost", "gained", "count", "low", "high"),
    [
        # Airway reactivity of 21 children (1 + 1 + 7 + 12): Fagerland, Lydersen, Laake, "Recommended tests and
        # confidence intervals for paired binomial proportions", Stat. Med. 33 (2014), Tango's interval.
        (1, 7, 21, -0.517, -0.026),
        (7, 1, 21, 0.026, 0.517),
    ],
)
def test_the_published_paired_example_comes_out(lost, gained, count, low, high):
    assert tango(lost, gained, count) == pytest.approx((low, high), abs=5e-4)


def test_without_any_change_the_paired_bound_has_a_closed_form():
    for count in (1, 20, 1_916, 1_917, 10_000):
        bound = Z95**2 / (Z95**2 + count)
        assert tango(0, 0, count) == pytest.approx((-bound, bound), abs=1e-15)


def quartic_ends(lost, gained, count):
    """Tango's ends as roots of a polynomial, in place of a closed form and bisection.

    Source: Z. Yang, X. Sun, J. W. Hardin, "A non-iterative implementation of Tango's score confidence interval for a
    paired difference of proportions", Statistics in Medicine 32 (2013): the score equation, squared twice.
    """
    g, d, s = Z95**2, lost - gained, lost + gained
    coefficients = [
        count**2 * (count / g + 1) ** 2,
        -count * d * (count / g + 1) * (4 * count / g + 1),
        2 * count * d**2 * (3 * count / g + 2) / g - count**2 * (s / g + 1),
        count * d * (2 * s / g + 1) - d**3 * (4 * count / g + 1) / g,
        d**2 * (d**2 / g - s) / g,
    ]
    roots = np.roots(coefficients)
    real = np.sort(roots[np.abs(roots.imag) < 1e-6].real)
    return real[0], real[-1]


@pytest.mark.parametrize(
    ("lost", "gained", "count"), [(1, 7, 21), (40, 20, 160), (25, 28, 618), (0, 1, 44), (3, 1, 5_000), (12, 2, 10_000)]
)
def test_the_paired_bounds_are_roots_of_the_published_polynomial(lost, gained, count):
    assert tango(lost, gained, count) == pytest.approx(quartic_ends(lost, gained, count), abs=1e-7)


@given(PAIRS)
def test_the_paired_interval_holds_the_difference_and_stays_between_minus_1_and_1(case):
    low, high = tango(*case)
    assert -1 <= low <= (case[0] - case[1]) / case[2] <= high <= 1
    assert low < high


@given(PAIRS)
def test_swapping_before_and_after_mirrors_the_paired_interval(case):
    lost, gained, count = case
    low, high = tango(lost, gained, count)
    assert tango(gained, lost, count) == (-high, -low)


@given(PAIRS)
def test_a_pair_that_is_lost_instead_of_the_same_moves_both_paired_bounds_up(case):
    lost, gained, count = case
    low, high = tango(lost, gained, count + 1)
    higher = tango(lost + 1, gained, count + 1)
    assert higher[0] >= low
    assert higher[1] >= high


def test_the_paired_interval_covers_the_truth_as_often_as_it_says():
    # All outcomes of 60 pairs, weighted: a share of 0.1 lost and of 0.05 gained.
    p, q, count, covered = 0.1, 0.05, 60, 0.0
    for lost in range(31):
        for gained in range(26):
            low, high = tango(lost, gained, count)
            ways = math.comb(count, lost) * math.comb(count - lost, gained)
            weight = ways * p**lost * q**gained * (1 - p - q) ** (count - lost - gained)
            covered += weight * (low <= p - q <= high)
    assert 0.94 < covered < 0.97


@pytest.mark.parametrize("case", [(-1, 0, 5), (0, -1, 5), (3, 3, 5), (0, 0, 0)])
def test_what_is_no_table_of_pairs_is_refused(case):
    with pytest.raises(ValueError, match=f"found {case[0]} \\+ {case[1]} of {case[2]}$"):
        tango(*case)


@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    [
        (0, 0, 1),
        (1, 0, 1),
        (5, 0, 2 / 32),
        (0, 6, 2 / 64),
        (7, 1, 2 * (1 + 8) / 2**8),
        (2, 4, 2 * (1 + 6 + 15) / 2**6),
        (3, 3, 1),
        (2_000, 0, 0),
    ],
)
def test_mcnemars_p_is_what_one_counts_by_hand(lost, gained, p):
    assert mcnemar_exact(lost, gained) == pytest.approx(p, abs=1e-300)
    assert mcnemar_exact(gained, lost) == mcnemar_exact(lost, gained)


def test_a_negative_count_is_no_table():
    with pytest.raises(ValueError, match="found 1 and -1"):
        mcnemar_exact(1, -1)


def two_classes(*confidences):
    return np.array([[value, 1 - value] for value in confidences], np.float32)


def test_the_calibration_error_is_the_mean_gap_between_confidence_and_accuracy():
    # One bin: confidence 0.9, three of four right.
    assert expected_calibration_error(two_classes(0.9, 0.9, 0.9, 0.9), np.array([0, 0, 0, 1])) == pytest.approx(0.15)
    # Two bins of two each, gaps 0.1 and 0.4; within a bin, over- and under-confidence cancel.
    found = expected_calibration_error(two_classes(0.9, 0.9, 0.6, 0.6), np.array([0, 0, 0, 0]))
    assert found == pytest.approx((0.1 + 0.4) / 2)
    assert expected_calibration_error(two_classes(0.75, 0.75), np.array([0, 1]), bins=1) == pytest.approx(0.25)
    assert expected_calibration_error(two_classes(0.5, 0.5), np.array([0, 1])) == pytest.approx(0)


def test_bins_are_open_below_and_closed_above():
    # With 4 bins 0.75 is the end of the third, 0.76 in the fourth: the gaps +0.25 and -0.76 may not cancel.
    found = expected_calibration_error(two_classes(0.75, 0.76), np.array([0, 1]), bins=4)
    assert found == pytest.approx((0.25 + 0.76) / 2)


@given(OUTPUTS, npst.arrays(np.int64, 5, elements=st.integers(0, 2)))
def test_the_calibration_error_is_what_a_loop_over_bins_finds(outputs, labels):
    confidence, right = outputs.max(axis=1).astype(float), outputs.argmax(axis=1) == labels
    expected = 0.0
    for m in range(15):
        inside = [i for i, c in enumerate(confidence) if m < c * 15 <= m + 1 or (m == 0 and c == 0)]
        expected += abs(sum(float(right[i]) - confidence[i] for i in inside)) / 5
    assert expected_calibration_error(outputs, labels) == pytest.approx(expected)


def test_confidence_a_little_above_1_or_no_number_breaks_nothing():
    assert expected_calibration_error(np.array([[1.0000001, 0]], np.float32), np.array([0])) == pytest.approx(
        0, abs=1e-6
    )
    assert math.isnan(expected_calibration_error(np.full((1, 2), np.nan, np.float32), np.array([0])))


def test_the_divergence_is_what_one_computes_by_hand():
    reference, outputs = two_classes(0.5, 1), two_classes(0.25, 1)
    expected = (0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)) / 2
    assert kl_divergence(outputs, reference) == pytest.approx(expected, rel=1e-6)


def test_a_probability_of_exactly_0_gives_a_large_but_finite_divergence():
    found = kl_divergence(two_classes(0), two_classes(1))
    assert found == pytest.approx(math.log(1 / KL_FLOOR), rel=1e-6)
    assert math.isnan(kl_divergence(np.full((1, 2), np.nan, np.float32), two_classes(1)))


@given(OUTPUTS, OUTPUTS)
def test_the_divergence_is_never_negative_and_0_for_the_same(outputs, reference):
    assert kl_divergence(outputs, reference) >= 0
    assert kl_divergence(outputs, outputs) == 0


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


SCORES = npst.arrays(np.float64, (4, 3), elements=st.floats(-20, 20))


@given(SCORES, st.floats(0.5, 10))  # below, float32 has no number for what is to be restored
def test_undoing_a_temperature_gives_the_probabilities_without_it(scores, temperature):
    unscaled = undo_temperature(softmax(scores / temperature), temperature)
    # float32 keeps 24 bits of each probability; a power multiplies the rounding error.
    assert unscaled == pytest.approx(softmax(scores), abs=1e-6 * max(1, temperature))
    assert unscaled.dtype == np.float32


@given(SCORES, st.floats(0.1, 10))
def test_undoing_a_temperature_changes_no_most_probable_class(scores, temperature):
    outputs = softmax(scores)
    kept = np.take_along_axis(undo_temperature(outputs, temperature), outputs.argmax(axis=1)[:, np.newaxis], 1)[:, 0]
    assert (kept == undo_temperature(outputs, temperature).max(axis=1)).all()


def test_a_temperature_of_1_leaves_every_bit():
    outputs = softmax(np.array([[1.0, 2.0, 3.0]]))
    assert undo_temperature(outputs, 1.0).tobytes() == outputs.tobytes()


@pytest.mark.parametrize("broken", [[np.nan, 0, 1], [np.inf, 0, 0]])
def test_a_temperature_is_undone_without_a_warning_for_outputs_of_a_broken_file(broken):
    assert np.isnan(undo_temperature(np.array([broken], np.float32), 1.5)).any()


def test_the_likelihood_is_what_one_computes_by_hand():
    outputs = np.array([[0.5, 0.5], [0.25, 0.75], [1, 0]], np.float32)
    assert negative_log_likelihood(outputs, np.array([0, 1, 0])) == pytest.approx(-math.log(0.5 * 0.75) / 3)
    assert negative_log_likelihood(outputs[2:], np.array([1])) == pytest.approx(25 * math.log(2))
