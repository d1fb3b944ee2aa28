"""Labels that belong to a model's classes in another order are told before anything is converted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.verification.statistics import wilson
from edgedigits_export.bundle.label_order import nearly_guessed, require_order

NAMES = ("cat", "dog", "emu", "fox")


def data(labels: NDArray[np.int64], names: tuple[str, ...] = NAMES) -> Dataset:
    return Dataset(np.zeros((len(labels), 2, 2, 1), np.uint8), labels, names, "my.npz")


def answers(classes: NDArray[np.int64], count: int = 4) -> NDArray[np.float32]:
    return np.eye(count, dtype=np.float32)[classes]


@given(st.permutations(range(4)), st.floats(0, 0.3), st.integers(0, 2**16))
def test_the_order_that_is_told_is_the_one_of_the_classes(order: list[int], wrong: float, seed: int) -> None:
    """Class i of the model is the label ``order[i]``; some of its answers are by chance."""
    rng = np.random.default_rng(seed)
    labels = np.arange(200) % 4
    classes = np.where(rng.random(200) < wrong, rng.integers(0, 4, 200), np.argsort(order)[labels])
    if wilson(int((classes == labels).sum()), 200)[0] > nearly_guessed(labels):
        require_order([answers(classes)], data(labels))
        return
    names = ", ".join(NAMES[index] for index in order)
    same = answers(np.zeros(200, np.int64))  # what a wrong scaling often gives
    with pytest.raises(UsageError, match=r"images right, where .* are if it is") as caught:
        require_order([same, answers(classes)], data(labels))
    assert names in str(caught.value)


@given(st.integers(2, 6), st.integers(0, 2**16))
def test_answers_by_chance_are_no_order(count: int, seed: int) -> None:
    labels = np.arange(200) % count
    said = np.random.default_rng(seed).random((200, count)).astype(np.float32)
    require_order([said], data(labels, tuple(map(str, range(count)))))


def test_a_model_that_is_right_with_one_of_its_scalings_has_its_order() -> None:
    labels = np.arange(40) % 4
    require_order([answers(labels[::-1]), answers(labels)], data(labels))


def test_two_images_tell_no_order() -> None:
    labels = np.arange(2)
    require_order([answers(1 - labels, 2)], data(labels, ("no", "yes")))


def test_labels_without_images_tell_no_order() -> None:
    labels = np.arange(60) % 2
    require_order([answers(labels + 1)], data(labels))


def test_numbers_that_count_the_classes_are_told_to_be_read_as_labels() -> None:
    """A file of labels 1 to 9, 0 and an archive of classes 0 to 9: both are right, and are not of each other."""
    names = (*map(str, range(1, 10)), "0")
    classes = np.arange(100) % 10
    labels = np.array([names.index(str(each)) for each in classes])
    with pytest.raises(UsageError, match=r"count the classes, write the names there .* 1 is read as the label 1; if"):
        require_order([answers(classes, 10)], data(labels, names))


def test_hardly_better_than_a_guess_is_a_fifth_of_what_the_commonest_label_leaves() -> None:
    assert nearly_guessed(np.array([0, 0, 0, 1, 2, 3])) == pytest.approx(0.6)
