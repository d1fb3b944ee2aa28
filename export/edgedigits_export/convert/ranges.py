"""The range of an activation, out of a histogram of its values: all of it, most of it, or the one with the least error.

A few outliers widen the range of all other values and so the step between two integers. A narrower range cuts the
outliers off and rounds the rest more finely, and costs nothing when the file runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits_export.convert.recipe import RangeMethod

_BINS = 2048
_CUT = 1e-4  # the share of values that a percentile range cuts off at each end
_LEVELS = 255
_KEPT = np.linspace(0.3, 1.0, 36)  # the shares of each end that are tried for the least error


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values fall into equal bins between ``low`` and ``high``; ``counts`` is int64 ``[bins]``."""

    low: float
    high: float
    counts: NDArray[np.int64]

    @classmethod
    def between(cls, low: float, high: float) -> Histogram:
        """Return an empty histogram."""
        return cls(low, high, np.zeros(_BINS, np.int64))

    def add(self, values: NDArray[np.float32]) -> None:
        """Count values; those beyond the ends count at the ends."""
        clipped = np.clip(values.ravel(), self.low, self.high)
        self.counts[:] += np.histogram(clipped, _BINS, (self.low, self.high))[0]

    @property
    def _edges(self) -> NDArray[np.float64]:
        return np.linspace(self.low, self.high, _BINS + 1)


Histograms = Mapping[str, Histogram]


def range_of(histogram: Histogram, method: RangeMethod) -> tuple[float, float]:
    """Return the lowest and the highest value that an activation's integers have to express.

    ``min-max`` takes every value seen, ``percentile`` leaves out one in 10,000 at each end, and ``mse`` takes the range
    with the least squared error of rounding and clipping together. Zero always lies within.

    Source: H. Wu et al., "Integer quantization for deep learning inference: principles and empirical evaluation",
    2020, arXiv 2004.09602, sections 3.3 and 4.
    """
    if method == "min-max" or not histogram.low < histogram.high or not histogram.counts.any():
        return histogram.low, histogram.high
    low, high = _percentile(histogram) if method == "percentile" else _least_error(histogram)
    return min(low, 0.0), max(high, 0.0)


def _percentile(histogram: Histogram) -> tuple[float, float]:
    shares = np.cumsum(histogram.counts) / histogram.counts.sum()
    edges = histogram._edges  # noqa: SLF001  this module's own class
    return float(edges[np.searchsorted(shares, _CUT)]), float(edges[1 + np.searchsorted(shares, 1 - _CUT)])


def _least_error(histogram: Histogram) -> tuple[float, float]:
    """Return the ends, out of a grid of narrower ones, with the least expected squared error."""
    edges = histogram._edges  # noqa: SLF001  this module's own class
    middles, shares = (edges[1:] + edges[:-1]) / 2, histogram.counts / histogram.counts.sum()
    lows, highs = min(histogram.low, 0.0) * _KEPT, max(histogram.high, 0.0) * _KEPT
    below = np.square(np.maximum(lows[:, np.newaxis] - middles, 0)) @ shares
    above = np.square(np.maximum(middles - highs[:, np.newaxis], 0)) @ shares
    steps = (highs[np.newaxis, :] - lows[:, np.newaxis]) / _LEVELS
    # A value between two integers is off by a uniform share of the step, which has the variance step² / 12.
    error = below[:, np.newaxis] + above[np.newaxis, :] + np.square(steps) / 12
    first, second = np.unravel_index(np.argmin(error), error.shape)
    return float(lows[first]), float(highs[second])
