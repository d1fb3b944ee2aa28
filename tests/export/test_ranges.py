"""Ranges of activations out of histograms."""

from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits_export.convert.ranges import Histogram, range_of
from edgedigits_export.convert.recipe import RangeMethod

METHODS = get_args(RangeMethod)


def histogram_of(values: NDArray[np.float32]) -> Histogram:
    found = Histogram.between(float(values.min()), float(values.max()))
    for part in np.array_split(values, 3):
        found.add(part)
    return found


def error_of(values: NDArray[np.float32], low: float, high: float) -> float:
    """The mean squared error of 256 levels that have 0 among them."""
    scale = (high - low) / 255
    zero = round(-low / scale)
    levels = np.clip(np.round(values / scale) + zero, 0, 255)
    return float(np.mean(np.square((levels - zero) * scale - values)))


def test_the_lowest_and_the_highest_value_are_the_widest_range() -> None:
    values = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    found = histogram_of(values)
    low, high = range_of(found, "min-max")
    assert (low, high) == (float(values.min()), float(values.max()))
    assert found.counts.sum() == 5000
    for method in METHODS:
        narrow = range_of(found, method)
        assert low <= narrow[0] <= 0 <= narrow[1] <= high


def test_a_percentile_cuts_an_outlier_off_and_the_rest_is_rounded_better() -> None:
    values = np.random.default_rng(0).normal(size=50_000).astype(np.float32)
    values[0] = 100.0
    found = histogram_of(values)
    low, high = range_of(found, "percentile")
    assert high < 5
    assert error_of(values[1:], low, high) < error_of(values[1:], *range_of(found, "min-max")) / 3


def test_the_least_error_cuts_long_tails_off() -> None:
    values = np.random.default_rng(0).laplace(size=50_000).astype(np.float32)
    found = histogram_of(values)
    whole, narrow = (error_of(values, *range_of(found, method)) for method in ("min-max", "mse"))
    assert narrow < 0.95 * whole


@given(st.integers(0, 1000), st.sampled_from(["normal", "exponential", "laplace"]), st.floats(0, 50))
def test_the_range_with_the_least_error_has_no_more_than_the_whole(seed: int, kind: str, outlier: float) -> None:
    random = np.random.default_rng(seed)
    values = getattr(random, kind)(size=20_000).astype(np.float32)
    values[0] = outlier
    found = histogram_of(values)
    assert error_of(values, *range_of(found, "mse")) <= error_of(values, *range_of(found, "min-max")) * 1.02


def test_values_of_one_kind_keep_their_range() -> None:
    for constant in (0.0, 3.0):
        found = histogram_of(np.full(10, constant, np.float32))
        assert all(range_of(found, method) == (constant, constant) for method in METHODS)


def test_zero_is_always_within() -> None:
    values = np.linspace(5, 9, 1000, dtype=np.float32)
    assert all(range_of(histogram_of(values), method)[0] == 0 for method in ("percentile", "mse"))
