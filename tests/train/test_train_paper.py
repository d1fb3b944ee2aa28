"""Training with --paper: mixed epochs, soft targets, a record; test_train_run.py stops and resumes such a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from trained import TrainedRun

from edgedigits.datasets import Splits
from edgedigits.errors import UsageError
from edgedigits_train.config import resolve
from edgedigits_train.data.augmentation import Range
from edgedigits_train.data.epochs import Epoch, View
from edgedigits_train.data.training_set import OUTLIER_WEIGHT, TrainingSet, soft_targets
from edgedigits_train.report.plots import draw_samples
from edgedigits_train.run import train
from edgedigits_train.scenes.crops import OUTLIER, PARTS
from edgedigits_train.scenes.pool import Pool, make_pool
from edgedigits_train.start import Start
from edgedigits_train.training import backend
from edgedigits_train.training.evaluation import predict, score_paper
from edgedigits_train.training.loop import new_model, train_epochs

pytestmark = pytest.mark.tensorflow


def all_of(mixture: Epoch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images, targets, weights = (np.concatenate(part) for part in zip(*mixture, strict=True))
    return images, targets, weights


def test_targets_are_one_digit_and_of_outliers_all_alike(splits: Splits, pool: Pool) -> None:
    assert TrainingSet.of(splits.train).targets.shape == (len(splits.train), 10)
    labels = np.concatenate([splits.train.labels, pool.labels])
    for smoothing in (0.0, 0.11):
        targets = TrainingSet.of(splits.train, pool, smoothing).targets
        assert targets.shape == (len(labels), 10)
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(targets[labels != OUTLIER].argmax(axis=1), labels[labels != OUTLIER])
        np.testing.assert_allclose(np.sort(targets[labels != OUTLIER])[:, :9], smoothing / 10, rtol=1e-6)
        np.testing.assert_allclose(targets[labels == OUTLIER], 0.1, rtol=1e-6)


def test_mixture_shows_all_once_in_an_order_of_seed_and_epoch(
    splits: Splits, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing moves, so that what is shown can be found again.
    monkeypatch.setattr("edgedigits_train.data.training_set.POOL_RANGE", Range(0, 0, 0, 0))
    # Crops of bare paper are alike.
    rows = np.sort(np.unique(pool.images, axis=0, return_index=True)[1])
    pool = Pool(pool.images[rows], pool.labels[rows], pool.parts[rows])
    training_set = TrainingSet.of(splits.train, pool)

    def mix(seed: int, epoch: int) -> Epoch:
        return Epoch(training_set, View.draw(training_set, None, 1, seed=0, epoch=0), 32, seed=seed, epoch=epoch)

    images, targets, weights = all_of(mix(1, 2))
    assert images.dtype == targets.dtype == weights.dtype == np.float32
    count = len(splits.train) + len(pool)
    assert (len(images), len(mix(1, 2))) == (count, -(-count // 32))
    given = np.concatenate([splits.train.images, pool.images]).astype(np.float32)
    labels = np.concatenate([splits.train.labels, pool.labels])
    found = [int(np.abs(given - image).max(axis=(1, 2, 3)).argmin()) for image in images]
    assert sorted(found) == list(range(count))
    digits = labels[found] != OUTLIER
    np.testing.assert_array_equal(targets[digits], soft_targets(labels[found][digits], 10))
    np.testing.assert_array_equal(weights, np.where(labels[found] == OUTLIER, OUTLIER_WEIGHT, 1))
    np.testing.assert_array_equal(images, all_of(mix(1, 2))[0])
    assert not np.array_equal(images, all_of(mix(1, 3))[0])
    assert not np.array_equal(images, all_of(mix(2, 2))[0])


def test_augmentation_moves_data_and_pool(splits: Splits, pool: Pool) -> None:
    training_set = TrainingSet.of(splits.train, pool)

    def pixels(*, augment: bool) -> np.ndarray:
        view = View.draw(training_set, Range() if augment else None, 1, seed=0, epoch=0)
        return all_of(Epoch(training_set, view, 64, seed=0, epoch=0))[0]

    assert not np.allclose(pixels(augment=False), pixels(augment=True))
    still = np.concatenate([splits.train.images, pool.images])
    sums = np.sort(pixels(augment=False).sum(axis=(1, 2, 3)))
    assert not np.allclose(sums, np.sort(still.sum(axis=(1, 2, 3), dtype=np.float32)))


def test_target_entropy_is_the_loss_of_the_perfect_network(splits: Splits, pool: Pool) -> None:
    for smoothing in (0.0, 0.1):
        training_set = TrainingSet.of(splits.train, pool, smoothing)
        losses = keras.losses.categorical_crossentropy(training_set.targets, training_set.targets)
        expected = float(np.mean(np.asarray(losses) * training_set.weights))
        assert training_set.target_entropy(np.arange(len(training_set))) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_epoch_shows_all_digits_of_the_data_and_another_part_of_the_pool_each_time(splits: Splits, pool: Pool) -> None:
    training_set, own = TrainingSet.of(splits.train, pool), len(splits.train)
    seen = [View.draw(training_set, Range(), 0.25, seed=0, epoch=epoch).rows for epoch in range(30)]
    count = training_set.epoch_size(0.25)
    assert count == own + round(0.25 * len(pool))
    for rows in seen:
        assert len(rows) == len(set(rows.tolist())) == count
        assert rows[:own].tolist() == list(range(own))
    assert len(set(np.concatenate(seen).tolist())) == len(training_set)
    shown = Epoch(training_set, View.draw(training_set, Range(), 0.25, seed=0, epoch=0), 16, seed=5, epoch=0)
    assert sum(len(images) for images, _, _ in shown) == count


def test_network_learns_digits_and_to_be_in_doubt_about_outliers(splits: Splits, pool: Pool) -> None:
    given = {"model": "nano", "epochs": 12, "batch_size": 8, "ema": 0.9, "augment": False, "paper": True, "threads": 1}
    config = resolve(given)
    training_set = TrainingSet.of(splits.train, pool)
    model = new_model(config, training_set)
    history = list(train_epochs(model, training_set, splits.validation, config, 0))
    assert history[-1].loss < 0.5 * history[0].loss
    assert history[-1].loss > 0
    outputs = predict(model, pool.images)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    found = score_paper(outputs, pool)
    assert found.accuracy > 0.9
    assert found.outlier_confidence < found.digit_confidence - 0.25
    assert found.outliers_accepted < 0.9
    assert (found.count, found.outliers) == (int((pool.labels >= 0).sum()), int((pool.labels < 0).sum()))


def test_score_counts_parts_and_what_is_accepted() -> None:
    labels = np.array([0] * 99 + [1, OUTLIER, OUTLIER])
    parts = np.array([0] * 99 + [1, 2, 2], np.uint8)
    outputs = np.full((102, 10), 0.01, np.float32)
    outputs[:, 0] = 0.9
    outputs[100, 0], outputs[101, 0] = 0.95, 0.2
    found = score_paper(outputs, Pool(np.zeros((102, 28, 28, 1), np.uint8), labels, parts))
    assert (found.count, found.correct, found.outliers) == (100, 99, 2)
    assert found.parts == {"handwritten": 1.0, "printed": 0.0}
    assert found.outlier_confidence == pytest.approx((0.95 + 0.2) / 2)
    assert (found.digits_accepted, found.outliers_accepted) == (0.99, 0.5)


def test_record_describes_the_pool(trained_run: TrainedRun, splits: Splits, pool: Pool) -> None:
    record = json.loads((trained_run.folder / "train.json").read_text())
    assert record["config"]["paper"] is True
    assert set(record["paper"]["train"]) == set(PARTS)
    assert sum(record["paper"]["train"].values()) == len(pool)
    assert record["paper"]["sha256"] == pool.sha256()
    validation = make_pool(splits.validation, seed=0, side=1, processes=1)
    model = keras.saving.load_model(trained_run.folder / "model.keras")
    assert model.output_shape == (None, 10)
    found = score_paper(predict(model, validation.images), validation)
    own = record["paper"]["validation"]
    assert (own["count"], own["correct"], own["outliers"]) == (found.count, found.correct, found.outliers)
    assert own["outlier_confidence"] == pytest.approx(found.outlier_confidence, rel=1e-5)
    assert 0 < record["seconds"]["paper"] < record["seconds"]["process"]


def test_samples_show_the_pool(splits: Splits, pool: Pool) -> None:
    few = np.concatenate([np.flatnonzero(pool.parts == part)[:2] for part in range(len(PARTS))])
    small = Pool(pool.images[few], pool.labels[few], pool.parts[few])
    assert len(draw_samples(splits.train, 0, small, rows=1)) > len(draw_samples(splits.train, 0, rows=1))


def test_data_without_digits_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: Splits
) -> None:
    monkeypatch.setattr(backend, "set_up", lambda threads: None)
    other = replace(splits, train=replace(splits.train, names=tuple("abcdefghij")))
    monkeypatch.setattr("edgedigits_train.run.load_splits", lambda *args, **options: other)
    start = Start(resolve({"model": "mlp", "epochs": 1, "paper": True}), None)
    with pytest.raises(UsageError, match="--paper: expected the ten classes 0 to 9"):
        train(tmp_path / "run", start, lambda result, config: None, print)
    assert not (tmp_path / "run").exists()


def test_default_is_off_and_own_data_never_turns_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgedigits_train import config

    assert not resolve({}).paper
    assert resolve({"paper": True, "data": "here"}).paper
    recipe = config.PRESETS["quick"][config.DEFAULT_MODEL]
    monkeypatch.setattr(config, "PRESETS", {"quick": {config.DEFAULT_MODEL: replace(recipe, paper=True)}})
    assert resolve({}).paper
    assert not resolve({"data": "here"}).paper
    assert not resolve({"paper": False}).paper
