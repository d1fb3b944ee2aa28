"""Plots of runs that are not the usual one: no mistakes, one epoch, colour, many classes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from edgedigits.datasets import Dataset, Splits
from edgedigits_train.models.build import build_model
from edgedigits_train.report import model_plots
from edgedigits_train.report.model_plots import draw_filters, draw_reliability
from edgedigits_train.report.plots import draw_confusion, draw_curves, draw_mistakes, draw_samples
from edgedigits_train.training.checkpoint import EpochResult
from edgedigits_train.training.evaluation import score

pytestmark = pytest.mark.tensorflow


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as plot:
        plot.load()
        assert plot.format == "PNG"
        return plot.size


def certain(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


def test_no_mistakes_are_a_plot_too(splits: Splits) -> None:
    right = certain(splits.test.labels, 10)
    wrong = certain((splits.test.labels + 1) % 10, 10)
    assert size_of(draw_mistakes(splits.test, right))[1] < size_of(draw_mistakes(splits.test, wrong))[1]


def test_same_run_same_bytes(splits: Splits) -> None:
    first, again, other = (draw_samples(splits.train, seed, rows=1) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_curves_of_a_single_epoch(accuracy: float) -> None:
    result = EpochResult(
        epoch=1, loss=0.5, accuracy=accuracy, validation_loss=0.1, validation_accuracy=accuracy, seconds=1.0
    )
    assert size_of(draw_curves((result,), np.array([0.1, 0.0])))[0] > 800


@pytest.mark.parametrize("classes", [2, 30])
def test_colour_images_and_any_number_of_classes(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % classes
    data = Dataset(
        rng.integers(0, 256, (60, 20, 30, 3)).astype(np.uint8), labels, tuple(f"c{i}" for i in range(classes)), "noise"
    )
    result = score(certain(labels[::-1], classes), data)
    mistakes = draw_mistakes(data, certain(labels[::-1], classes), rows=1)
    for plot in (draw_samples(data, 0, rows=1), mistakes, draw_confusion(result)):
        assert min(size_of(plot)) >= 200


def test_class_that_is_never_predicted_has_no_precision(splits: Splits) -> None:
    outputs = certain(np.zeros(10, np.int64), 10)
    result = score(outputs, splits.test)
    assert (result.correct, result.per_class[0].precision, result.per_class[0].recall) == (1, 0.1, 1.0)
    assert (result.per_class[1].precision, result.per_class[1].recall) == (None, 0.0)
    assert [sum(row) for row in result.confusion] == [1] * 10


def test_reliability_tells_the_sure_and_wrong_from_the_sure_and_right() -> None:
    labels = np.arange(200) % 10
    sure = np.full((200, 10), 0.01, np.float32)
    sure[np.arange(200), labels] = 0.91
    wrong = np.roll(sure, 1, axis=1)
    half = np.concatenate([sure[:100], wrong[100:]])
    plots = [draw_reliability(outputs, labels) for outputs in (sure, wrong, half)]
    assert len(set(plots)) == 3
    assert plots[0] == draw_reliability(sure, labels)
    assert min(size_of(draw_reliability(certain(labels, 10), labels))) > 400


@pytest.mark.parametrize(("name", "rows"), [("mlp", 2), ("lenet5", 1), ("nano", 2)])
def test_first_layer_of_every_kind_is_a_row_of_small_plots(
    monkeypatch: pytest.MonkeyPatch, name: str, rows: int
) -> None:
    monkeypatch.setattr(model_plots, "_MOST_FILTERS", 10)  # each takes its time
    model = build_model(name, (28, 28, 1), 10)
    first = next(layer for layer in model.layers if hasattr(layer, "kernel"))
    before = draw_filters(model)
    assert size_of(before) == (960, 120 * rows + 60)
    first.set_weights([first.get_weights()[0][..., ::-1], *first.get_weights()[1:]])
    assert draw_filters(model) != before
