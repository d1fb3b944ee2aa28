"""Training learns, repeats itself bit for bit, and its checkpoints are whole or not there."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edgedigits.datasets import Splits
from edgedigits.errors import InputError, OutputError, UsageError
from edgedigits_train.config import TrainConfig, resolve
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.training import checkpoint
from edgedigits_train.training.checkpoint import EpochResult, Progress
from edgedigits_train.training.evaluation import mean_loss, predict
from edgedigits_train.training.loop import learning_rates, make_schedule, new_model, train_epochs

pytestmark = pytest.mark.tensorflow

MLP = resolve({"model": "mlp", "epochs": 2, "batch_size": 16, "data": "digits.npz", "threads": 1})
NANO = resolve({"model": "nano", "epochs": 12, "batch_size": 16, "augment": False, "data": "digits.npz", "threads": 1})


Fitted = tuple[keras.Model, list[EpochResult]]


@pytest.fixture(scope="module")
def fitted(splits: Splits) -> Fitted:
    """A network with convolutions, normalisation, and an optimizer with a state; nobody may change it."""
    return fit(splits, NANO)


def fit(splits: Splits, config: TrainConfig) -> Fitted:
    training_set = TrainingSet.of(splits.train, smoothing=config.label_smoothing)
    model = new_model(config, training_set)
    return model, list(train_epochs(model, training_set, splits.validation, config, 0))


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(left, right) for left, right in pairs)


def test_same_seed_same_weights_other_seed_others(splits: Splits) -> None:
    config = replace(MLP, augment=True)
    first, history = fit(splits, config)
    again, history_again = fit(splits, config)
    assert same_weights(first, again)
    assert [r.loss for r in history] == [r.loss for r in history_again]
    assert not same_weights(first, fit(splits, replace(config, seed=1))[0])


@pytest.mark.parametrize("name", ["mlp", "lenet5", "nano"])
def test_every_kind_of_architecture_learns_the_digits_it_is_shown(splits: Splits, fitted: Fitted, name: str) -> None:
    config = resolve({"model": name, "epochs": 12, "batch_size": 16, "augment": False, "threads": 1})
    _, history = fitted if name == NANO.model else fit(splits, config)
    assert [result.epoch for result in history] == list(range(1, 13))
    assert history[-1].loss < 0.35 * history[0].loss
    assert history[-1].accuracy > 0.9


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_optimizer_lowers_the_loss(splits: Splits, optimizer: str) -> None:
    config = resolve({"model": "mlp", "epochs": 4, "batch_size": 16, "optimizer": optimizer, "schedule": "cosine"})
    _, history = fit(splits, config)
    assert history[-1].loss < history[0].loss


def test_figures_of_an_epoch_are_means_over_all_its_images(splits: Splits) -> None:
    # A step too small to change anything; and a last batch that is smaller than the others.
    still = replace(MLP, learning_rate=1e-12, batch_size=30, epochs=1)
    model, (result,) = fit(splits, still)
    outputs = predict(model, splits.train.images)
    assert result.loss == pytest.approx(mean_loss(outputs, splits.train.labels), rel=1e-5)
    assert result.accuracy == pytest.approx((outputs.argmax(axis=1) == splits.train.labels).mean())


def test_sgd_is_plain_back_propagation(splits: Splits) -> None:
    model = new_model(MLP, TrainingSet.of(splits.train))
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert model.optimizer.momentum == 0
    assert float(model.optimizer.learning_rate) == pytest.approx(MLP.learning_rate)


def test_cosine_warms_up_then_falls_to_nothing() -> None:
    rate = make_schedule(replace(NANO, epochs=4, schedule="cosine"), steps=100)
    rates = [float(rate(step)) for step in range(401)]
    top = int(np.argmax(rates))
    assert rates[0] == pytest.approx(0.05 * NANO.learning_rate, rel=1e-3)
    assert top == 50
    assert rates[top] == pytest.approx(NANO.learning_rate, rel=1e-3)
    assert rates[400] == pytest.approx(0, abs=1e-6)
    assert all(now <= before for before, now in zip(rates[top:], rates[top + 1 :], strict=False))


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_curve_of_the_learning_rate_is_the_schedule_s(schedule: str) -> None:
    config = replace(NANO, epochs=4, schedule=schedule)
    curve = learning_rates(config)
    rate = make_schedule(config, steps=2 * (len(curve) - 1))  # an even number: the warm-up is half an epoch
    for point in range(0, len(curve), 21):
        expected = rate if schedule == "constant" else float(rate(8 * point))
        assert curve[point] == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert curve[-1] == pytest.approx(0 if schedule == "cosine" else NANO.learning_rate)


def test_diverging_training_is_one_clear_error(splits: Splits) -> None:
    with pytest.raises(UsageError, match=r"expected a finite loss, found nan; take a --learning-rate below 1e\+30"):
        fit(splits, replace(MLP, learning_rate=1e30, epochs=4))


def test_checkpoint_brings_back_model_optimizer_and_history(fitted: Fitted, tmp_path: Path) -> None:
    model, history = fitted
    progress = Progress(NANO, "0" * 64, tuple(history))
    checkpoint.save_checkpoint(tmp_path, model, progress)
    assert checkpoint.read_progress(tmp_path) == progress
    loaded = checkpoint.load_checkpoint(tmp_path)
    assert same_weights(model, loaded)
    for own, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(own), np.asarray(other))
    assert int(loaded.optimizer.iterations) == 12 * 5


def test_checkpoint_that_fails_half_way_leaves_the_last_one(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = new_model(MLP, TrainingSet.of(splits.train))
    first = Progress(MLP, "0" * 64, ())
    checkpoint.save_checkpoint(tmp_path, model, first)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match=r"checkpoint\.keras: cannot be written \(No space left on device\)"):
        checkpoint.save_checkpoint(tmp_path, model, replace(first, origin="1" * 64))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.NAME]
    assert checkpoint.read_progress(tmp_path) == first
    assert same_weights(checkpoint.load_checkpoint(tmp_path), model)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_broken_checkpoint_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / checkpoint.NAME).write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint\.keras: expected a checkpoint.*start again with --overwrite"):
        checkpoint.read_progress(tmp_path)


def test_plain_model_has_no_optimizer_and_the_same_weights(fitted: Fitted, tmp_path: Path) -> None:
    model, _ = fitted
    checkpoint.save_plain(tmp_path / "model.keras", model)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert same_weights(model, loaded)
    assert not getattr(loaded, "compiled", False)
    checkpoint.save_checkpoint(tmp_path, model, Progress(NANO, "0" * 64, ()))
    # Adam keeps two more values a weight.
    assert (tmp_path / "model.keras").stat().st_size < 0.5 * (tmp_path / checkpoint.NAME).stat().st_size


def test_ema_is_the_average_of_every_step_s_weights_and_training_goes_on_without_it(
    splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    training_set = TrainingSet.of(splits.train)
    config = replace(MLP, ema=0.7)
    plain = new_model(replace(config, ema=0.0), training_set)
    step, seen = plain.train_on_batch, []

    def watched(*args: object, **options: object) -> object:
        result = step(*args, **options)
        seen.append([np.array(variable) for variable in plain.trainable_variables])
        return result

    monkeypatch.setattr(plain, "train_on_batch", watched)
    list(train_epochs(plain, training_set, splits.validation, replace(config, ema=0.0), 0))
    expected = seen[0]
    for weights in seen[1:]:
        expected = [0.7 * old + 0.3 * new for old, new in zip(expected, weights, strict=True)]
    averaged = new_model(config, training_set)
    list(train_epochs(averaged, training_set, splits.validation, config, 0))
    for variable, wanted, last in zip(averaged.trainable_variables, expected, seen[-1], strict=True):
        np.testing.assert_allclose(np.array(variable), wanted, atol=1e-5)
        assert np.abs(wanted - last).max() > 1e-4
