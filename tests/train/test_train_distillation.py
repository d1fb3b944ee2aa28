"""Distillation: the teacher's outputs for the student's images are softened and cached, and the student learns them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edgedigits.datasets import Splits
from edgedigits.errors import InputError, UsageError
from edgedigits.files import cache_folder
from edgedigits_train.config import resolve
from edgedigits_train.data.augmentation import Range
from edgedigits_train.data.epochs import View
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import build_model
from edgedigits_train.scenes.crops import OUTLIER
from edgedigits_train.scenes.pool import Pool
from edgedigits_train.training import loop
from edgedigits_train.training.checkpoint import save_plain
from edgedigits_train.training.distillation import Teacher, sharpen, soften
from edgedigits_train.training.evaluation import predict
from edgedigits_train.training.loop import new_model, train_epochs

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory, splits: Splits) -> Path:
    training_set = TrainingSet.of(splits.train)
    config = resolve({"model": "mlp", "optimizer": "adam", "epochs": 15, "augment": False, "threads": 1})
    model = new_model(config, training_set)
    list(train_epochs(model, training_set, splits.validation, config, 0))
    path = tmp_path_factory.mktemp("teacher") / "model.keras"
    save_plain(path, model)
    return path


def test_soft_targets_are_the_teacher_s_outputs_for_the_augmented_images(teacher: Path, splits: Splits) -> None:
    training_set = TrainingSet.of(splits.train)
    view = View.draw(training_set, Range(elastic=0.02), 1, seed=0, epoch=3)
    model = keras.saving.load_model(teacher)
    expected = model.predict_on_batch(view.pixels(training_set, view.rows))
    outputs = Teacher(str(teacher), training_set).soft_targets(view, 3, 1.0)
    np.testing.assert_allclose(outputs, expected, atol=5e-3)
    assert np.abs(outputs - model.predict_on_batch(splits.train.images.astype(np.float32))).max() > 0.05


def test_soft_targets_are_cached_for_the_next_run_and_for_no_other_transforms(
    teacher: Path, splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEDIGITS_CACHE", str(tmp_path))
    training_set = TrainingSet.of(splits.train)
    own, other = (View.draw(training_set, Range(), 1, seed=seed, epoch=0) for seed in (0, 1))
    first = Teacher(str(teacher), training_set).soft_targets(own, 0, 2.0)
    again = Teacher(str(teacher), training_set)
    again._model = None
    np.testing.assert_array_equal(again.soft_targets(own, 0, 2.0), first)
    with pytest.raises(AttributeError):
        again.soft_targets(other, 0, 2.0)
    (kept,) = (cache_folder() / "teacher" / again._key).glob("0-*.npy")
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(Teacher(str(teacher), training_set).soft_targets(own, 0, 2.0), first)


def test_softened_outputs_keep_their_order_and_lose_their_certainty() -> None:
    logs = np.log(np.array([[0.9, 0.09, 0.01]], np.float32))
    np.testing.assert_allclose(soften(logs, 1.0), [[0.9, 0.09, 0.01]], rtol=1e-5)
    root = np.array([0.9, 0.09, 0.01]) ** 0.5
    np.testing.assert_allclose(soften(logs, 2.0), [root / root.sum()], rtol=1e-5)


def test_sharpening_undoes_softening(splits: Splits) -> None:
    model = build_model("mlp", (28, 28, 1), 10)
    before = predict(model, splits.train.images)
    sharpen(model, 3.0)
    np.testing.assert_allclose(soften(np.log(predict(model, splits.train.images)), 3.0), before, atol=1e-5)


def test_student_learns_the_teacher_s_outputs_and_not_the_labels(teacher: Path, splits: Splits) -> None:
    training_set = TrainingSet.of(splits.train)
    wrong = replace(training_set, targets=np.roll(training_set.targets, 1, axis=1))
    config = resolve({"model": "mlp", "optimizer": "adam", "epochs": 15, "augment": False, "teacher": str(teacher)})
    student = new_model(config, wrong)
    list(train_epochs(student, wrong, splits.validation, config, 0))
    assert (predict(student, splits.train.images).argmax(axis=1) == splits.train.labels).mean() > 0.9


def test_long_run_asks_the_teacher_about_a_bounded_number_of_epochs(
    teacher: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "VIEWS", 2)
    config = resolve({"model": "mlp", "epochs": 5, "augment": True, "elastic": 0.01, "teacher": str(teacher)})
    training_set = TrainingSet.of(splits.train)
    before = set(cache_folder().glob("teacher/*/*.npy"))
    list(train_epochs(new_model(config, training_set), training_set, splits.validation, config, 0))
    asked = [path.name.split("-")[0] for path in set(cache_folder().glob("teacher/*/*.npy")) - before]
    assert sorted(asked) == ["0", "1"]


def test_outliers_keep_their_targets(splits: Splits, pool: Pool) -> None:
    training_set = TrainingSet.of(splits.train, pool)
    rows = np.arange(len(training_set))[10:]
    outputs = np.eye(10, dtype=np.float32)[np.full(len(rows), 7)]
    taught = training_set.with_soft_targets(rows, outputs)
    np.testing.assert_array_equal(taught.targets[:10], training_set.targets[:10])
    none = np.concatenate([splits.train.labels, pool.labels]) == OUTLIER
    np.testing.assert_allclose(taught.targets[none], 0.1, rtol=1e-6)
    assert (taught.targets[10:][~none[10:]].argmax(axis=1) == 7).all()


def test_teacher_of_other_images_or_no_teacher_is_one_clear_error(tmp_path: Path, splits: Splits) -> None:
    training_set = TrainingSet.of(splits.train)
    path = tmp_path / "other.keras"
    with pytest.raises(InputError, match=r"--teacher: .*cannot read .*other\.keras"):
        Teacher(str(path), training_set)
    save_plain(path, build_model("mlp", (28, 28, 3), 7))
    with pytest.raises(UsageError, match=r"expected images and classes \[28, 28, 1, 10\], found \[28, 28, 3, 7\]"):
        Teacher(str(path), training_set)
