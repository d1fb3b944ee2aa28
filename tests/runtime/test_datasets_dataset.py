from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgedigits.datasets import Dataset, split_stratified
from edgedigits.errors import DatasetError


def numbered(sizes: list[int]) -> Dataset:
    """A data set with this many images a class, each of them unlike all others."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    labels = np.random.default_rng(1).permutation(labels)
    images = np.arange(len(labels), dtype="<u4").view(np.uint8).reshape(-1, 2, 2, 1)
    return Dataset(images, labels, tuple(map(str, range(len(sizes)))), "numbered")


def numbers(dataset: Dataset) -> list[int]:
    return list(dataset.images.reshape(-1, 4).copy().view("<u4")[:, 0])


SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(lambda sizes: sum(sizes) >= 2)


@given(SIZES, st.data())
def test_the_two_parts_are_disjoint_complete_and_in_the_original_order(sizes, data):
    whole = numbered(sizes)
    count = data.draw(st.integers(1, len(whole) - 1))
    rest, taken = split_stratified(whole, count, 0)
    assert len(taken) == count
    assert sorted(numbers(rest) + numbers(taken)) == list(range(len(whole)))
    for part in (rest, taken):
        assert numbers(part) == sorted(numbers(part))
        assert np.array_equal(part.labels, whole.labels[numbers(part)])
        assert (part.names, part.source) == (whole.names, whole.source)


@given(SIZES, st.data())
def test_every_class_gives_its_share_rounded_up_or_down(sizes, data):
    whole = numbered(sizes)
    count = data.draw(st.integers(1, len(whole) - 1))
    _, taken = split_stratified(whole, count, 3)
    shares = np.array(sizes) * count / len(whole)
    got = np.bincount(taken.labels, minlength=len(sizes))
    assert (np.abs(got - shares) < 1).all()
    remainders, extra = shares - np.floor(shares), got > np.floor(shares)
    if extra.any() and not extra.all():
        assert remainders[extra].min() >= remainders[~extra].max() - 1e-9


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_the_seed_decides_and_nothing_else(first, second):
    assume(first != second)
    whole = numbered([50, 50, 50])
    assert numbers(split_stratified(whole, 30, first)[1]) == numbers(split_stratified(whole, 30, first)[1])
    assert numbers(split_stratified(whole, 30, first)[1]) != numbers(split_stratified(whole, 30, second)[1])


def test_the_split_is_the_one_that_earlier_exports_meant():
    # Trainer and exporter meet through files: another choice for the same seed would leak validation into training.
    _, taken = split_stratified(numbered([7, 5, 8]), 6, 0)
    assert numbers(taken) == [4, 6, 7, 10, 12, 15]


@pytest.mark.parametrize("count", [-1, 0, 5, 6])
def test_a_part_that_would_be_empty_is_refused(count):
    with pytest.raises(DatasetError) as caught:
        split_stratified(numbered([2, 3]), count, 0)
    assert str(caught.value) == (f"numbered: expected a part of 1 to 4 of 5 images, found {count}; give more images")


def test_one_image_may_be_taken_and_one_may_be_left():
    assert [len(part) for part in split_stratified(numbered([2, 3]), 1, 0)] == [4, 1]
    assert [len(part) for part in split_stratified(numbered([2, 3]), 4, 0)] == [1, 4]


def test_rows_are_taken_in_the_order_of_the_indices():
    part = numbered([3, 3]).take(np.array([4, 0, 4]))
    assert numbers(part) == [4, 0, 4]


def test_the_hash_is_over_shape_pixels_and_labels():
    one = Dataset(np.zeros((2, 3, 4, 1), np.uint8), np.array([0, 1]), ("a", "b"), "somewhere")
    plain = hashlib.sha256(b"(2, 3, 4, 1)" + bytes(24) + bytes([0] * 8 + [1] + [0] * 7)).hexdigest()
    assert one.sha256() == plain
    assert Dataset(one.images, one.labels.astype(np.int32), ("c", "d"), "elsewhere").sha256() == plain
    assert Dataset(one.images.reshape(2, 4, 3, 1), one.labels, one.names, "").sha256() != plain
    assert Dataset(one.images, np.array([1, 0]), one.names, "").sha256() != plain
    assert Dataset(one.images + np.uint8(1), one.labels, one.names, "").sha256() != plain
    backwards = np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1))
    assert (
        Dataset(backwards, one.labels, one.names, "").sha256()
        == Dataset(np.ascontiguousarray(backwards), one.labels, one.names, "").sha256()
    )


def test_a_data_set_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        numbered([2]).source = "x"


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 3, 3, 1)), [0, 1], "uint8 images [N, H, W, C], found float64 [2, 3, 3, 1]; convert them f"),
        (np.zeros((2, 3, 3), np.uint8), [0, 1], "uint8 images [N, H, W, C], found uint8 [2, 3, 3]; convert"),
        (np.zeros((0, 3, 3, 1), np.uint8), [], "as many labels as images and at least one, found 0 images and 0 labe"),
        (np.zeros((2, 3, 3, 1), np.uint8), [0], "as many labels as images and at least one, found 2 images and 1 lab"),
        (np.zeros((2, 3, 3, 1), np.uint8), [0, 2], "labels 0 to 1, found 0 to 2; name every class or remove"),
        (np.zeros((2, 3, 3, 1), np.uint8), [-1, 1], "labels 0 to 1, found -1 to 1; name"),
    ],
)
def test_what_no_later_stage_could_use_is_refused(images, labels, message):
    with pytest.raises(DatasetError) as caught:
        Dataset(images, np.array(labels, np.int64), ("a", "b"), "here")
    assert str(caught.value).startswith(f"here: expected {message}")
