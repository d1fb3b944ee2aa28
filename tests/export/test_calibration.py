from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.datasets import Dataset, split_stratified
from edgedigits.errors import UsageError
from edgedigits_export.bundle.calibration import choose_calibration


def dataset(sizes: list[int], seed: int) -> Dataset:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    images = np.arange(len(labels) * 4, dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 4)
    return Dataset(images, labels.astype(np.int64), tuple(map(str, range(len(sizes)))), "made up")


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 200), st.integers(0, 5))
def test_every_class_comes_in_its_proportion(sizes: list[int], count: int, seed: int) -> None:
    data = dataset(sizes, seed)
    chosen = choose_calibration(data, count, seed)
    taken = min(count, len(data))
    assert len(chosen.images) == len(chosen.indices) == taken
    assert (np.diff(chosen.indices) > 0).all()
    np.testing.assert_array_equal(chosen.images, data.images[chosen.indices])
    counts = np.bincount(data.labels[chosen.indices], minlength=len(sizes))
    np.testing.assert_array_less(np.abs(counts - np.array(sizes) * taken / len(data)), 1)


@given(st.integers(1, 59), st.integers(0, 20))
def test_the_choice_is_that_of_the_splits(count: int, seed: int) -> None:
    data = dataset([30, 20, 10], 0)
    _, taken = split_stratified(data, count, seed)
    np.testing.assert_array_equal(choose_calibration(data, count, seed).images, taken.images)


def test_the_same_seed_chooses_the_same_and_another_one_others() -> None:
    data = dataset([50, 50], 0)
    first, same, other = (choose_calibration(data, 20, seed) for seed in (1, 1, 2))
    assert first.indices_sha256 == same.indices_sha256 != other.indices_sha256


def test_the_record_finds_the_images_again() -> None:
    chosen = choose_calibration(dataset([3, 3], 0), 500, 9)
    assert (chosen.source, len(chosen.images), chosen.seed) == ("made up", 6, 9)
    assert chosen.indices_sha256 == hashlib.sha256(np.arange(6, dtype="<i8").tobytes()).hexdigest()


@pytest.mark.parametrize("count", [0, -1])
def test_no_images_are_no_calibration(count: int) -> None:
    with pytest.raises(UsageError, match=f"found {count}"):
        choose_calibration(dataset([3], 0), count, 0)
