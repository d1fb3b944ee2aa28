from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.trust.compare import NEAR_TIE, Flip, accuracy_of, compare
from edgedigits.trust.statistics import wilson

ANSWERS = npst.arrays(np.float32, (6, 4), elements=st.floats(0, 1, width=32))
LABELS = npst.arrays(np.int64, 6, elements=st.integers(0, 3))


def rows(*values):
    return np.array(values, np.float32)


def test_the_walk_through_a_small_table():
    labels = np.array([0, 1, 2, 1])
    reference = rows([0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.5, 0.4, 0.1])
    answers = rows([0.8, 0.2, 0], [0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0.3, 0.6, 0.1])
    found = compare(answers, reference, labels)
    assert found.accuracy == accuracy_of(answers, labels)
    assert (found.accuracy.correct, found.accuracy.count, found.accuracy.top1) == (3, 4, 0.75)
    assert found.accuracy.ci95 == wilson(3, 4)
    assert [(flip.index, flip.label, flip.before, flip.after) for flip in found.flips] == [(1, 1, 1, 0), (3, 1, 0, 1)]
    assert [flip.margin for flip in found.flips] == pytest.approx([0.5, 0.1])
    assert found.agreement == found.agreement_beyond_ties == 0.5
    assert found.max_abs_difference == pytest.approx(0.4)
    assert found.mean_abs_difference == pytest.approx((0.2 + 0.8 + 0.4) / 12)
    assert found.drop == 0


def test_the_drop_is_in_percentage_points_and_negative_when_gained():
    labels = np.array([0, 0, 0, 0])
    right, wrong = rows(*[[1, 0]] * 4), rows([1, 0], [1, 0], [1, 0], [0, 1])
    assert compare(wrong, right, labels).drop == 25
    assert compare(right, wrong, labels).drop == -25


@pytest.mark.parametrize(("margin", "agreement"), [(NEAR_TIE / 2, 1), (NEAR_TIE * 1.5, 0.5), (0.5, 0.5)])
def test_a_flip_between_classes_that_the_reference_holds_equal_counts_as_agreed(margin, agreement):
    reference = rows([0.5 + margin, 0.5], [0, 1])
    answers = rows([0.5, 0.5 + margin], [0, 1])
    found = compare(answers, reference, np.array([0, 1]))
    assert len(found.flips) == 1
    assert found.agreement == 0.5
    assert found.agreement_beyond_ties == agreement


def test_a_near_tie_is_two_hundred_thousandths():
    assert NEAR_TIE == 2e-5


@given(ANSWERS, LABELS)
def test_the_same_answers_agree_in_everything(answers, labels):
    found = compare(answers, answers.copy(), labels)
    assert found.flips == ()
    assert (found.agreement, found.agreement_beyond_ties, found.drop) == (1, 1, 0)
    assert (found.max_abs_difference, found.mean_abs_difference) == (0, 0)


@given(ANSWERS, ANSWERS, LABELS)
def test_flips_are_what_a_loop_finds(answers, reference, labels):
    found = compare(answers, reference, labels)
    expected = []
    for index, (mine, theirs) in enumerate(zip(answers, reference, strict=True)):
        before, after = int(theirs.argmax()), int(mine.argmax())
        if before != after:
            margin = float(theirs[before] - theirs[after])
            expected.append(Flip(index, int(labels[index]), before, after, margin))
    assert found.flips == tuple(expected)
    assert found.agreement == pytest.approx(1 - len(expected) / 6)
    assert found.agreement_beyond_ties >= found.agreement
    assert found.max_abs_difference == np.abs(answers - reference).max()
    assert found.drop == pytest.approx(100 * (accuracy_of(reference, labels).top1 - found.accuracy.top1))


@pytest.mark.parametrize(("answers", "labels"), [((3, 2), 4), ((4, 3), 4), ((4, 2), 3)])
def test_answers_to_other_images_or_of_other_classes_are_refused(answers, labels):
    with pytest.raises(ValueError, match=r"expected answers \(4, 2\), found "):
        compare(np.zeros(answers, np.float32), np.zeros((4, 2), np.float32), np.zeros(labels, int))
