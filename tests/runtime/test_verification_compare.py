from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.records import to_plain
from edgedigits.verification.compare import NEAR_TIE, ClassChange, Flip, accuracy_of, compare
from edgedigits.verification.statistics import (
    expected_calibration_error,
    kl_divergence,
    mcnemar_exact,
    negative_log_likelihood,
    tango,
    undo_temperature,
    wilson,
)

OUTPUTS = npst.arrays(np.float32, (6, 4), elements=st.floats(0, 1, width=32))
LABELS = npst.arrays(np.int64, 6, elements=st.integers(0, 3))


def rows(*values):
    return np.array(values, np.float32)


def test_a_temperature_changes_the_figures_before_scaling_and_nothing_else():
    labels = np.array([0, 1])
    outputs, reference = rows([0.6, 0.4], [0.45, 0.55]), rows([0.7, 0.3], [0.4, 0.6])
    plain, folded = compare(outputs, reference, labels), compare(outputs, reference, labels, 2.0)
    unscaled = undo_temperature(outputs, 2.0)
    assert folded.ece_before == expected_calibration_error(unscaled, labels) != folded.ece
    assert folded.nll_before == negative_log_likelihood(unscaled, labels) < folded.nll
    assert replace(folded, ece_before=plain.ece_before, nll_before=plain.nll_before) == plain


def test_all_figures_of_a_small_example():
    labels = np.array([0, 1, 2, 1])
    reference = rows([0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1])
    outputs = rows([0.8, 0.2, 0], [0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0.3, 0.6, 0.1])
    found = compare(outputs, reference, labels)
    assert found.accuracy == accuracy_of(outputs, labels)
    assert (found.accuracy.correct, found.accuracy.count, found.accuracy.top1) == (3, 4, 0.75)
    assert found.accuracy.ci95 == wilson(3, 4)
    assert [(flip.index, flip.label, flip.before, flip.after) for flip in found.flips] == [(1, 1, 1, 0), (3, 1, 0, 1)]
    assert [flip.margin for flip in found.flips] == pytest.approx([0.5, 0.1])
    assert found.agreement == found.agreement_beyond_ties == 0.5
    assert found.max_abs_difference == pytest.approx(0.4)
    assert found.mean_abs_difference == pytest.approx((0.2 + 0.8 + 0.4) / 12)
    assert (found.lost, found.gained, found.drop) == (1, 1, 0)
    assert found.drop_ci95 == pytest.approx([100 * end for end in tango(1, 1, 4)])
    assert found.mcnemar_p == 1
    assert found.kl == kl_divergence(outputs, reference)
    assert found.ece == expected_calibration_error(outputs, labels)
    assert found.ece_reference == expected_calibration_error(reference, labels)
    assert found.nll == negative_log_likelihood(outputs, labels)
    assert (found.ece_before, found.nll_before) == (found.ece, found.nll)  # nothing was folded in
    assert found.per_class == (ClassChange(0, 1, 1, 1), ClassChange(1, 2, 1, 1), ClassChange(2, 1, 1, 1))


def test_a_flip_has_all_probabilities_of_both_in_few_digits():
    found = compare(rows([0.3, 0.7]), rows([0.9, 0.1]), np.array([0]))
    (flip,) = found.flips
    assert (flip.reference, flip.answer) == ((0.9, 0.1), (0.3, 0.7))
    third = np.float32(1 / 3)
    (flip,) = compare(rows([0, third]), rows([1, 0]), np.array([0])).flips
    assert json.loads(json.dumps(to_plain(flip)))["answer"] == [0, 0.33333334]
    assert np.float32(flip.answer[1]) == third


def test_the_drop_is_in_percentage_points_and_negative_when_gained():
    labels = np.array([0, 0, 0, 0])
    right, wrong = rows(*[[1, 0]] * 4), rows([1, 0], [1, 0], [1, 0], [0, 1])
    assert compare(wrong, right, labels).drop == 25
    assert compare(right, wrong, labels).drop == -25
    lost = compare(np.tile(wrong, (5, 1)), np.tile(right, (5, 1)), np.tile(labels, 5))
    assert (lost.lost, lost.gained) == (5, 0)
    assert lost.drop_ci95 == pytest.approx([100 * end for end in tango(5, 0, 20)])
    assert lost.mcnemar_p == mcnemar_exact(5, 0)
    assert lost.per_class == (ClassChange(0, 20, 20, 15),)


@pytest.mark.parametrize(("margin", "agreement"), [(NEAR_TIE / 2, 1), (NEAR_TIE * 1.5, 0.5), (0.5, 0.5)])
def test_a_flip_between_classes_that_the_reference_holds_equal_counts_as_agreed(margin, agreement):
    reference = rows([0.5 + margin, 0.5], [0, 1])
    outputs = rows([0.5, 0.5 + margin], [0, 1])
    found = compare(outputs, reference, np.array([0, 1]))
    assert len(found.flips) == 1
    assert found.agreement == 0.5
    assert found.agreement_beyond_ties == agreement


def test_a_near_tie_is_two_hundred_thousandths():
    assert NEAR_TIE == 2e-5


@given(OUTPUTS, LABELS)
def test_equal_outputs_agree_in_everything(outputs, labels):
    found = compare(outputs, outputs.copy(), labels)
    assert found.flips == ()
    assert (found.agreement, found.agreement_beyond_ties, found.drop) == (1, 1, 0)
    assert (found.max_abs_difference, found.mean_abs_difference) == (0, 0)


@given(OUTPUTS, OUTPUTS, LABELS)
def test_flips_are_what_a_loop_finds(outputs, reference, labels):
    found = compare(outputs, reference, labels)
    expected = []
    for index, (new, old) in enumerate(zip(outputs, reference, strict=True)):
        before, after = int(old.argmax()), int(new.argmax())
        if before != after:
            margin = float(old[before] - old[after])
            vectors = (tuple(float(str(value)) for value in row) for row in (old, new))
            expected.append(Flip(index, int(labels[index]), before, after, margin, *vectors))
    assert found.flips == tuple(expected)
    for flip in found.flips:
        assert np.array_equal(np.array(flip.answer, np.float32), outputs[flip.index])
    assert sum(one.count for one in found.per_class) == 6
    assert sum(one.after for one in found.per_class) == found.accuracy.correct
    assert sum(one.before - one.after for one in found.per_class) == found.lost - found.gained
    assert found.drop_ci95[0] <= found.drop <= found.drop_ci95[1]
    assert found.agreement == pytest.approx(1 - len(expected) / 6)
    assert found.agreement_beyond_ties >= found.agreement
    assert found.max_abs_difference == np.abs(outputs - reference).max()
    assert found.drop == pytest.approx(100 * (accuracy_of(reference, labels).top1 - found.accuracy.top1))


@pytest.mark.parametrize(("outputs", "labels"), [((3, 2), 4), ((4, 3), 4), ((4, 2), 3)])
def test_outputs_for_other_images_or_of_other_classes_are_refused(outputs, labels):
    with pytest.raises(ValueError, match=r"expected outputs \(4, 2\), found "):
        compare(np.zeros(outputs, np.float32), np.zeros((4, 2), np.float32), np.zeros(labels, int))
