"""Plots of a trained model: how reliable its confidence is, and the filters of its first layer."""

from __future__ import annotations

import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from edgedigits.verification.statistics import expected_calibration_error, wilson
from edgedigits_train.report.png import IMAGE_ALONE, to_png

_BINS = 10
_COLUMNS = 8
_MOST_FILTERS = 64
_OWN, _IDEAL = "#1f5fa8", "#7f7f7f"


def draw_reliability(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> bytes:
    """Draw the reliability diagram, accuracy by confidence, above a histogram of the confidence; return PNG bytes.

    See A. Niculescu-Mizil, R. Caruana, "Predicting good probabilities with supervised learning", ICML 2005.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * _BINS) - 1, 0, _BINS - 1).astype(int)
    counts = np.bincount(bins, minlength=_BINS)
    hits = np.bincount(bins, weights=right, minlength=_BINS)
    filled = np.flatnonzero(counts)
    figure = Figure(figsize=(5.2, 5.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], "--", color=_IDEAL, label="perfect calibration")
    middles = np.bincount(bins, weights=confidence, minlength=_BINS)[filled] / counts[filled]
    shares = hits[filled] / counts[filled]
    bounds = np.array([wilson(int(hits[i]), int(counts[i])) for i in filled]).T
    upper.errorbar(middles, shares, yerr=np.abs(bounds - shares), fmt="o", capsize=3, color=_OWN, label="95 % interval")
    upper.set(ylabel="accuracy", ylim=(-0.03, 1.03))
    upper.set_title(f"expected calibration error {expected_calibration_error(probabilities, labels):.4f}")
    upper.legend(frameon=False, loc="upper left")
    lower.bar((np.arange(_BINS) + 0.5) / _BINS, counts, width=0.9 / _BINS, color=_OWN)
    lower.set(xlabel="confidence", ylabel="predictions", yscale="log", xlim=(0, 1), ylim=(0.5, None))
    for axis in (upper.yaxis, upper.xaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    return to_png(figure)


def draw_filters(model: keras.Model) -> bytes:
    """Draw the weights of the first layer, positive ones blue and negative ones red; return PNG bytes."""
    filters = _first_filters(model)[:_MOST_FILTERS]
    rows = -(-len(filters) // _COLUMNS)
    figure = Figure(figsize=(_COLUMNS, rows + 0.5), layout="constrained")
    cells = figure.subplots(rows, _COLUMNS, squeeze=False, subplot_kw=IMAGE_ALONE).ravel()
    for cell, weights in zip(cells, filters, strict=False):
        most = float(np.abs(weights).max()) or 1.0
        cell.imshow(weights, cmap="RdBu", vmin=-most, vmax=most)
    return to_png(figure)


def _first_filters(model: keras.Model) -> NDArray[np.float32]:
    """Return ``[N, H, W]``: the kernels of a first convolution, or the weights of a first dense layer as images."""
    kernel = next(layer.kernel for layer in model.layers if hasattr(layer, "kernel"))
    values = np.asarray(keras.ops.convert_to_numpy(kernel), np.float32)
    if values.ndim == 2:
        values = values.reshape(*model.input_shape[1:], -1)
    return np.asarray(values.mean(axis=2).transpose(2, 0, 1), np.float32)
