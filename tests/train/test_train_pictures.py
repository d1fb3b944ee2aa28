"""Pictures of runs that are not the usual one: no mistakes, one epoch, colour, many classes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from edgedigits.datasets import Dataset, Splits
from edgedigits_train.checkpoint import EpochResult
from edgedigits_train.evaluate import score
from edgedigits_train.pictures import draw_confusion, draw_curves, draw_mistakes, draw_samples


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.format == "PNG"
        return picture.size


def certain(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


def test_no_mistakes_are_a_picture_too(splits: Splits) -> None:
    right = certain(splits.test.labels, 10)
    wrong = certain((splits.test.labels + 1) % 10, 10)
    assert size_of(draw_mistakes(splits.test, right))[1] < size_of(draw_mistakes(splits.test, wrong))[1]


def test_same_run_same_bytes(splits: Splits) -> None:
    assert draw_samples(splits.train, 0) == draw_samples(splits.train, 0)
    assert draw_samples(splits.train, 0) != draw_samples(splits.train, 1)


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_curves_of_a_single_epoch(accuracy: float) -> None:
    result = EpochResult(
        epoch=1, loss=0.5, accuracy=accuracy, validation_loss=0.1, validation_accuracy=accuracy, seconds=1.0
    )
    assert size_of(draw_curves((result,)))[0] > 800


@pytest.mark.parametrize("classes", [2, 30])
def test_colour_images_and_any_number_of_classes(classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % classes
    data = Dataset(
        rng.integers(0, 256, (60, 20, 30, 3)).astype(np.uint8), labels, tuple(f"c{i}" for i in range(classes)), "noise"
    )
    result = score(certain(labels[::-1], classes), data)
    for picture in (draw_samples(data, 0), draw_mistakes(data, certain(labels[::-1], classes)), draw_confusion(result)):
        assert min(size_of(picture)) >= 200


def test_class_that_is_never_answered_has_no_precision(splits: Splits) -> None:
    answers = certain(np.zeros(10, np.int64), 10)
    result = score(answers, splits.test)
    assert (result.correct, result.per_class[0].precision, result.per_class[0].recall) == (1, 0.1, 1.0)
    assert (result.per_class[1].precision, result.per_class[1].recall) == (None, 0.0)
    assert [sum(row) for row in result.confusion] == [1] * 10
