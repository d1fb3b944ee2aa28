from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.manifest import PRECISIONS, GateChoice
from edgedigits.verification.compare import compare
from edgedigits.verification.gates import GATES, exit_code_of, judge_variant
from edgedigits.verification.statistics import tango, wilson

DIFFERENCES = {"float32": 1e-5, "float16": 1e-2}
AGREEMENTS = {"float32": 1.0, "float16": 0.9995, "dynamic-int8": 0.997, "int8": 0.997, "int16x8": 0.997}
LEAST = {"float32": 1, "float16": 2_000, "dynamic-int8": 1_917, "int8": 1_917, "int16x8": 1_917}
INT8 = ("dynamic-int8", "int8", "int16x8")


def planted(count, lost=0, gained=0, changed=0):
    """A comparison over ``count`` images, of which so many become wrong, become right, and stay wrong but change."""
    labels = np.zeros(count, np.int64)
    reference = np.tile(np.array([1, 0, 0], np.float32), (count, 1))
    outputs = reference.copy()
    outputs[:lost] = [0, 1, 0]
    reference[lost : lost + gained] = [0, 1, 0]
    wrong = slice(lost + gained, lost + gained + changed)
    reference[wrong], outputs[wrong] = [0, 1, 0], [0, 0, 1]
    return compare(outputs, reference, labels)


def strictly(precision, comparison):
    """The verdict of the gate that this package's own models have to pass."""
    return judge_variant(precision, comparison, "classify", GateChoice("shipped", 0.5))


def by_loss(comparison, margin=0.5):
    return judge_variant("int8", comparison, "classify", GateChoice("accuracy", margin))


def test_every_precision_has_its_gate_and_its_reason():
    assert tuple(GATES) == PRECISIONS
    assert all(len(gate.reason) > 20 for gate in GATES.values())
    for precision, gate in GATES.items():
        assert gate.max_abs_difference == DIFFERENCES.get(precision)
        assert gate.min_agreement == AGREEMENTS[precision]
        assert gate.max_drop == (0.2 if precision in INT8 else None)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_least_count_is_the_first_at_which_a_perfect_result_passes(precision):
    least = GATES[precision].least_images
    assert least == LEAST[precision]
    assert strictly(precision, planted(least)).outcome == "passed"
    if precision in INT8:
        assert 100 * tango(0, 0, least)[1] <= 0.2 < 100 * tango(0, 0, least - 1)[1]
    if least > 1:
        few = strictly(precision, planted(least - 1))
        assert (few.outcome, few.exit_code, few.needed) == ("undecided", 0, least)
        assert few.reasons == (f"too few images to tell: {least - 1:,}, where {precision} needs at least {least:,}",)


@pytest.mark.parametrize("precision", DIFFERENCES)
def test_a_probability_just_beyond_the_limit_fails_however_few_the_images(precision):
    limit = DIFFERENCES[precision]
    for count in (1, 5_000):
        at, beyond = (replace(planted(count), max_abs_difference=limit * factor) for factor in (1, 1.01))
        assert strictly(precision, at).outcome == ("passed" if count >= LEAST[precision] else "undecided")
        found = strictly(precision, beyond)
        assert (found.outcome, found.exit_code) == ("failed", 1)
        assert found.reasons == (f"max |difference| {limit * 1.01:.2g} > {limit:g}",)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("count", [1, 5_000])
def test_outputs_that_are_not_finite_fail(precision, count):
    for value in (float("nan"), float("inf")):
        found = strictly(precision, replace(planted(count), max_abs_difference=value))
        assert (found.outcome, found.reasons) == ("failed", ("some probabilities are not finite",))


def test_one_flip_of_float32_fails_and_one_between_equal_classes_does_not():
    for count in (1, 10_000):
        flipped = replace(planted(count, changed=1), max_abs_difference=0.0)
        assert strictly("float32", flipped).outcome == "failed"
        assert strictly("float32", flipped).reasons[0].startswith("agreement ")
        assert strictly("float32", replace(flipped, agreement_beyond_ties=1.0)).outcome == "passed"


@pytest.mark.parametrize(
    ("precision", "count", "allowed"),
    [("float16", 2_000, 1), ("float16", 10_000, 5), ("int8", 2_000, 6), ("int8", 10_000, 30), ("int16x8", 10_000, 30)],
)
def test_an_agreement_at_the_limit_passes_and_one_more_flip_fails(precision, count, allowed):
    at, beyond = (replace(planted(count, changed=n), max_abs_difference=0.0) for n in (allowed, allowed + 1))
    assert at.drop == beyond.drop == 0
    assert strictly(precision, at).outcome == "passed"
    assert strictly(precision, beyond).reasons == (
        f"agreement {1 - (allowed + 1) / count:.4%} < {AGREEMENTS[precision]:.4%}",
    )


@pytest.mark.parametrize("precision", INT8)
@pytest.mark.parametrize(("count", "lost"), [(5_000, 3), (10_000, 11)])
def test_a_drop_passes_while_its_upper_bound_is_within_the_limit(precision, count, lost):
    assert 100 * tango(lost, 0, count)[1] <= 0.2 < 100 * tango(lost + 1, 0, count)[1]
    assert strictly(precision, planted(count, lost)).outcome == "passed"
    found = strictly(precision, planted(count, lost + 1))
    assert (found.outcome, found.exit_code) == ("failed", 1)
    bound = 100 * tango(lost + 1, 0, count)[1]
    assert found.reasons == (
        f"accuracy changes by {-100 * (lost + 1) / count:+.3f} percentage points and may fall by {bound:.3f} > 0.2 "
        "(95 % bound)",
    )
    # As many gained make up for it, though more outputs change.
    assert strictly(precision, planted(count, lost + 1, lost + 1)).outcome == "passed"


def test_a_gain_is_no_drop():
    assert strictly("int8", planted(10_000, gained=30)).outcome == "passed"


@pytest.mark.parametrize("precision", INT8)
def test_a_failure_that_a_few_images_show_is_one(precision):
    found = strictly(precision, planted(100, lost=20))
    assert (found.outcome, found.exit_code) == ("failed", 1)
    assert found.reasons == (
        f"agreement 80.0000%, at best {wilson(80, 100)[1]:.4%} < 99.7000%",
        f"accuracy falls by 20.000 percentage points, at least {100 * tango(20, 0, 100)[0]:.3f} > 0.2",
    )
    # One of a hundred may be chance: neither a pass nor a failure.
    assert strictly(precision, planted(100, lost=1)).outcome == "undecided"


def test_a_few_images_show_a_failure_of_float16_by_agreement():
    few = replace(planted(100, changed=10), max_abs_difference=0.0)
    assert strictly("float16", few).outcome == "failed"
    assert strictly("float16", replace(planted(400, changed=1), max_abs_difference=0.0)).outcome == "undecided"


@given(st.sampled_from(PRECISIONS), st.integers(0, 60), st.integers(0, 60), st.integers(1, 12_000))
def test_fewer_than_needed_never_pass_and_enough_are_never_undecided(precision, lost, gained, rest):
    comparison = planted(lost + gained + rest, lost, gained)
    verdict = strictly(precision, comparison)
    enough = comparison.accuracy.count >= LEAST[precision]
    assert verdict.outcome != ("undecided" if enough else "passed")
    assert (verdict.exit_code == 1) == (verdict.outcome == "failed")
    assert (verdict.outcome == "passed") == (not verdict.reasons)


def test_all_reasons_of_a_failure_are_listed_together():
    assert len(strictly("float16", planted(5_000, lost=1_000)).reasons) == 2
    assert len(strictly("int8", planted(5_000, lost=1_000)).reasons) == 2


def test_a_loss_passes_while_its_upper_bound_is_within_the_margin_whatever_else_changes():
    """A model that is right on 89 % changes many answers without losing any; that is no failure."""
    changing = planted(4_000, lost=30, gained=26, changed=60)
    assert changing.agreement < 0.98
    assert changing.drop_ci95[1] <= 0.5
    assert by_loss(changing).outcome == "passed"
    assert strictly("int8", changing).outcome == "failed"


@given(st.integers(0, 80), st.integers(0, 80), st.integers(1, 12_000), st.floats(0.05, 5))
def test_a_loss_is_judged_by_the_ends_of_its_interval(lost, gained, rest, margin):
    comparison = planted(lost + gained + rest, lost, gained)
    low, high = (round(end, 9) for end in comparison.drop_ci95)
    verdict = by_loss(comparison, margin)
    assert verdict.outcome == ("passed" if high <= margin else "failed" if low > margin else "undecided")
    assert (verdict.outcome == "passed") == (not verdict.reasons)
    assert verdict.needed is None or verdict.outcome == "undecided"


@pytest.mark.parametrize(("count", "lost", "gained"), [(600, 0, 0), (800, 2, 1), (5_000, 24, 4), (300, 3, 0)])
def test_what_is_undecided_says_how_many_images_would_tell_and_they_do(count, lost, gained):
    verdict = by_loss(planted(count, lost, gained))
    assert verdict.outcome == "undecided"
    assert verdict.needed > count
    assert f"about {verdict.needed:,} images would tell, {count:,} do not" in verdict.reasons[0]
    factor = 1.3 * verdict.needed / count
    more = planted(round(factor * count), round(lost * factor), round(gained * factor))
    assert by_loss(more).outcome in {"passed", "failed"}
    factor = 0.7 * verdict.needed / count
    less = planted(round(factor * count), round(lost * factor), round(gained * factor))
    assert by_loss(less).outcome == "undecided"


def test_a_loss_that_is_the_margin_is_told_by_no_number_of_images():
    verdict = by_loss(planted(2_000, lost=10))
    assert (verdict.outcome, verdict.needed) == ("undecided", None)
    assert "no number of images would tell" in verdict.reasons[0]


def test_outputs_that_are_not_finite_fail_by_loss_as_well():
    found = by_loss(replace(planted(5_000), max_abs_difference=float("nan")))
    assert (found.outcome, found.reasons) == ("failed", ("some probabilities are not finite",))


def test_a_failure_wins_over_what_is_undecided_which_counts_only_if_strict():
    passed, failed, undecided = by_loss(planted(5_000)), by_loss(planted(5_000, lost=500)), by_loss(planted(100))
    assert [one.outcome for one in (passed, failed, undecided)] == ["passed", "failed", "undecided"]
    assert exit_code_of([passed, undecided], strict=False) == 0
    assert exit_code_of([passed, undecided], strict=True) == 4
    assert exit_code_of([undecided, failed], strict=True) == exit_code_of([failed], strict=False) == 1
    assert exit_code_of([passed], strict=True) == exit_code_of([], strict=True) == 0
