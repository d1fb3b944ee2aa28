"""Plots of a run: sample images, curves, the confusion matrix and the worst mistakes, each as PNG bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits_train.report.png import IMAGE_ALONE, to_png
from edgedigits_train.scenes.crops import OUTLIER, PARTS
from edgedigits_train.scenes.pool import Pool
from edgedigits_train.training.checkpoint import EpochResult
from edgedigits_train.training.evaluation import Score

_COLUMNS = 8
_TRAIN, _VALIDATION = "#7f7f7f", "#1f5fa8"
_MANY_CLASSES = 20
# The logarithmic axis of the accuracy ends at 99.99 %; a run without mistakes is drawn there.
_FEWEST = 1e-4


def draw_samples(data: Dataset, seed: int, pool: Pool | None = None, rows: int = 5) -> bytes:
    """Draw some images, chosen by ``seed``, each below its label, and under them some of each part of the pool."""
    count = min(rows * _COLUMNS, len(data))
    chosen = np.sort(np.random.default_rng(seed).choice(len(data), count, replace=False))
    titles = [data.names[label] for label in data.labels[chosen]]
    images, heading = data.images[chosen], f"Training images ({data.source})"
    if pool is not None:
        chosen = _some_of_each(pool, seed)
        images = np.concatenate([images, pool.images[chosen]])
        titles += [_pool_title(int(pool.labels[i]), PARTS[pool.parts[i]]) for i in chosen]
        heading += ", then synthetic images of digits and of other things"
    return _draw_grid(images, titles, heading)


def draw_mistakes(data: Dataset, probabilities: NDArray[np.float32], rows: int = 4) -> bytes:
    """Draw the images that were classified wrongly with the most confidence, the worst first."""
    predictions, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predictions != data.labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][: rows * _COLUMNS]
    titles = [
        f"is {data.names[data.labels[i]]}, read {data.names[predictions[i]]}\n{100 * confidence[i]:.1f} % sure"
        for i in worst
    ]
    heading = f"{len(wrong)} mistakes in {len(data)} test images" + (", the worst first" if len(wrong) else "")
    return _draw_grid(data.images[worst], titles, heading)


def draw_curves(history: tuple[EpochResult, ...], rates: NDArray[np.float64]) -> bytes:
    """Draw loss and accuracy by epoch, for training and validation, and the learning rate.

    ``rates`` are learning rates at points spread evenly over the epochs. The axes of the loss and of the accuracy (as
    the share of mistakes) are logarithmic, because on linear ones the first epoch would hide all others.
    """
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    rate.plot(np.linspace(0, len(history), len(rates)), rates, color=_VALIDATION)
    rate.set(title="Learning rate", xlabel="epoch", ylim=(0, None))
    rate.grid(alpha=0.3)
    epochs = [result.epoch for result in history]
    _draw_lines(loss, epochs, [r.loss for r in history], [r.validation_loss for r in history])
    loss.set_title("Loss (cross-entropy, nats)")
    loss.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    mistakes = [[max(1 - share, _FEWEST) for share in part] for part in _accuracies(history)]
    _draw_lines(accuracy, epochs, *mistakes)
    accuracy.set_title("Accuracy")
    accuracy.invert_yaxis()
    accuracy.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * (1 - share):.5g} %"))
    return to_png(figure)


def draw_confusion(result: Score) -> bytes:
    """Draw the confusion matrix; only mistakes are coloured, because the diagonal would hide them."""
    names = [part.name for part in result.per_class]
    counts = np.array(result.confusion)
    mistakes = np.where(np.eye(len(names), dtype=bool), 0, counts)
    side = 2.0 + 0.42 * min(len(names), _MANY_CLASSES)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(5, int(mistakes.max()) * 1.5))
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(f"{result.correct} of {result.count} correct ({100 * result.accuracy:.2f} %)")
    if len(names) <= _MANY_CLASSES:
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        _write_counts(axes, counts)
    return to_png(figure)


def _some_of_each(pool: Pool, seed: int) -> NDArray[np.int64]:
    """Return the rows of random images of each part, enough for two lines where the part has as many."""
    rng = np.random.default_rng(seed)
    rows = (rng.permutation(np.flatnonzero(pool.parts == part)) for part in range(len(PARTS)))
    return np.concatenate([part[: 2 * _COLUMNS] for part in rows])


def _pool_title(label: int, part: str) -> str:
    return "no digit" if label == OUTLIER else f"{label} ({part})"


def _accuracies(history: tuple[EpochResult, ...]) -> tuple[list[float], list[float]]:
    return [result.accuracy for result in history], [result.validation_accuracy for result in history]


def _draw_lines(axes: Any, epochs: list[int], train: list[float], validation: list[float]) -> None:
    axes.plot(epochs, train, "o-", color=_TRAIN, markersize=3, label="training")
    axes.plot(epochs, validation, "o-", color=_VALIDATION, markersize=3, label="validation")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _write_counts(axes: Any, counts: NDArray[np.int64]) -> None:
    for row, column in np.argwhere(counts > 0):
        weight = "bold" if row == column else "normal"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, weight=weight)


def _draw_grid(images: NDArray[np.uint8], titles: list[str], heading: str) -> bytes:
    rows = max(1, -(-len(images) // _COLUMNS))
    figure = Figure(figsize=(1.3 * _COLUMNS, 1.55 * rows + 0.4), layout="constrained")
    figure.suptitle(heading)
    cells = figure.subplots(rows, _COLUMNS, squeeze=False, subplot_kw=IMAGE_ALONE).ravel()
    for cell, image, title in zip(cells, images, titles, strict=False):
        grey = image.shape[-1] == 1
        cell.imshow(image[..., 0] if grey else image[..., :3], cmap="gray" if grey else None, vmin=0, vmax=255)
        cell.set_title(title, fontsize=8)
    return to_png(figure)
