"""The locator's network and training: what it learns is what finding digits decodes; runs stop, resume and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from trained import DIGITS

from edgedigits.datasets import Splits
from edgedigits.datasets.own import read_npz
from edgedigits.errors import UsageError
from edgedigits.images import locator
from edgedigits.images.contrast import NONE
from edgedigits.images.locator import CELLS
from edgedigits_train.config import resolve
from edgedigits_train.locator import examples, objective
from edgedigits_train.locator import run as run_module
from edgedigits_train.locator.network import LOGIT_UNIT, OUTPUTS, build_locator, deployable
from edgedigits_train.locator.run import train_locator
from edgedigits_train.locator.score import score_locator
from edgedigits_train.models.build import count_macs
from edgedigits_train.scenes import targets
from edgedigits_train.scenes.examples import SIDE, Example
from edgedigits_train.scenes.sheet import MARK, Truth
from edgedigits_train.start import Start, find_start
from edgedigits_train.training import backend

pytestmark = pytest.mark.tensorflow

# Weights of a locator that has learned for a while, in this file's own few scenes, are not kept anywhere.
FEW = 6


@pytest.fixture
def few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an epoch draw one chunk of a few examples, in this process, whose threads stay as they are."""
    monkeypatch.setattr(backend, "set_up", lambda threads: None)
    for module in (examples, run_module):
        monkeypatch.setattr(module, "CHUNK", FEW)
        monkeypatch.setattr(module, "CHUNKS", 1)
    monkeypatch.setattr(run_module, "_VALIDATION", FEW)


def perfect(field_truths: dict[bytes, tuple[Truth, ...]]) -> locator.Network:
    """Return a network that gives the target maps themselves, of the fields that it knows."""

    def network(contrast: np.ndarray) -> np.ndarray:
        maps = targets.make_targets(field_truths[contrast.tobytes()], contrast.shape[1:3]).astype(np.float32)
        parts = (
            (12 * maps[..., : targets.CLASSES] - 6) / locator.LOGITS.unit + locator.LOGITS.zero,
            maps[..., targets.HEIGHT : targets.DOWN] / locator.SIZES.unit + locator.SIZES.zero,
            maps[..., targets.DOWN : targets.GIVEN] / locator.PLACES.unit + locator.PLACES.zero,
        )
        outputs = np.concatenate(parts, axis=-1)
        height, width = outputs.shape[0] // CELLS, outputs.shape[1] // CELLS
        folded = outputs.reshape(height, CELLS, width, CELLS, OUTPUTS).transpose(0, 2, 1, 3, 4)
        return folded.reshape(1, height, width, CELLS * CELLS * OUTPUTS)

    return network


def while_training(outputs: np.ndarray) -> np.ndarray:
    """Return a network's outputs on the device as they are while it trains."""
    apart = outputs.reshape(*outputs.shape[:3], CELLS * CELLS, OUTPUTS)
    parts = (
        locator.LOGITS.decode(apart[..., : locator.CLASSES]) / LOGIT_UNIT,
        locator.SIZES.decode(apart[..., locator.CLASSES : -2]),
        locator.PLACES.decode(apart[..., -2:]),
    )
    return np.concatenate(parts, axis=-1).reshape(outputs.shape)


def test_deployed_network_says_the_same_within_its_bounds(splits: Splits) -> None:
    keras.utils.set_random_seed(1)
    model = build_locator(SIDE, SIDE)
    fields = np.stack([example.field for example in draw(splits, 4)])[..., np.newaxis].astype(np.float32)
    inner, outer = np.asarray(model(fields)), np.asarray(deployable(model)(fields))
    assert outer.min() >= 0
    assert outer.max() <= 6
    shown = while_training(outer)
    free = (outer > 0) & (outer < 6)
    assert free.mean() > 0.5
    np.testing.assert_allclose(shown[free], inner[free], rtol=1e-3, atol=1e-4)


def test_training_and_device_agree_on_the_maps() -> None:
    assert (targets.CLASSES, OUTPUTS, targets.STRIDE) == (locator.CLASSES, locator.CHANNELS, locator.STRIDE)
    assert (targets.UNIT, targets.SMALLEST, targets.LARGEST) == (locator.UNIT, locator.SMALLEST, locator.LARGEST)
    outputs = np.random.default_rng(0).normal(size=(3, 4, 5, CELLS * CELLS * OUTPUTS)).astype(np.float32)
    np.testing.assert_array_equal(objective.unfold(outputs)[1], locator.unfold(outputs[1]))


def test_network_keeps_its_budget_and_takes_every_size() -> None:
    model = build_locator()
    assert model.count_params() <= 200_000
    assert count_macs(build_locator(480, 640)) <= 1_000_000_000
    assert count_macs(build_locator(192, 128)) <= 100_000_000  # what a picture of one digit becomes
    for height, width in ((64, 64), (96, 160)):
        assert model(np.zeros((1, height, width, 1), np.float32)).shape == (1, height // 8, width // 8, 60)


def test_fresh_network_finds_nothing_in_an_empty_field() -> None:
    model = build_locator()
    field = np.full((SIDE, SIDE), NONE, np.uint8)
    assert locator.find_in_field(lambda contrast: np.asarray(model(contrast.astype(np.float32))), field) == []


def draw(splits: Splits, count: int) -> list[Example]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examples, "CHUNK", count)
        return examples.Chunks(splits.train, 0)(0)


def test_perfect_maps_are_read_without_a_mistake(splits: Splits) -> None:
    drawn = draw(splits, 60)
    network = perfect({example.field.tobytes(): example.truths for example in drawn})
    score = score_locator(network, drawn)
    assert score.fields == 60
    assert score.digits > score.fields
    assert score.found >= 0.99 * score.digits  # digits that touch may share a cell
    assert score.right >= 0.99 * score.digits
    assert score.false == 0


def test_score_counts_what_is_missed_wrong_and_made_up() -> None:
    own = Truth(3, (40.0, 60.0, 70.0, 80.0), 1.0, 30.0)
    away = own._replace(box=(90.0, 20.0, 120.0, 40.0))
    field = np.full((SIDE, SIDE), NONE, np.uint8)

    def score(shown: tuple[Truth, ...], drawn: tuple[Truth, ...]) -> tuple[int, ...]:
        found = score_locator(perfect({field.tobytes(): shown}), [Example(field, drawn)])
        return found.digits, found.found, found.right, found.false

    assert score((own,), (own,)) == (1, 1, 1, 0)
    assert score((), (own,)) == (1, 0, 0, 0)
    assert score((own._replace(label=5),), (own,)) == (1, 1, 0, 0)
    assert score((own, away), (own,)) == (1, 1, 1, 1)
    twin = own._replace(box=(40.0, 62.0, 70.0, 82.0))
    assert score((own,), (own, twin)) == (2, 1, 1, 0)  # one box does not find two digits
    assert score((own._replace(label=MARK),), ()) == (0, 0, 0, 0)  # a mark is no digit that was made up


def test_loss_is_least_for_perfect_maps_and_accuracy_counts_classes(splits: Splits) -> None:
    drawn = draw(splits, 16)
    (batch,) = examples.validation_batches(drawn, 16)
    maps = batch[1]
    folded = np.concatenate(
        [perfect({one.field.tobytes(): one.truths})(one.field[np.newaxis, ..., np.newaxis]) for one in drawn]
    )
    folded = while_training(folded)
    best, right = float(objective.map_loss(maps, folded)), float(objective.accuracy(maps, folded))
    assert right == 1
    assert best < 0.5 * float(objective.map_loss(maps, np.roll(folded, 1, axis=1)))
    wrong = folded.reshape(*folded.shape[:3], CELLS * CELLS, OUTPUTS).copy()
    wrong[..., : targets.CLASSES] = np.roll(wrong[..., : targets.CLASSES], 1, axis=-1)
    assert float(objective.accuracy(maps, wrong.reshape(folded.shape))) == 0
    assert best < 0.5 * float(objective.map_loss(maps, wrong.reshape(folded.shape)))


def test_batches_are_those_of_seed_and_epoch_and_show_either_polarity(few_examples: None, splits: Splits) -> None:
    window = examples.Window()
    for number in range(3):
        window.add(examples.Chunks(splits.train, 0)(number))

    def batches(seed: int, epoch: int) -> np.ndarray:
        return np.concatenate([fields for fields, _ in window.batches(4, 8, seed=seed, epoch=epoch)])

    np.testing.assert_array_equal(batches(1, 2), batches(1, 2))
    assert not np.array_equal(batches(1, 2), batches(1, 3))
    assert not np.array_equal(batches(1, 2), batches(2, 2))
    shown = batches(0, 0)[..., 0] - NONE
    own = np.stack([example.field.astype(np.float32) - NONE for chunk in window._chunks for example in chunk])
    signs = np.array(
        [np.sign((own * field).sum(axis=(1, 2)))[np.abs((own * field).sum(axis=(1, 2))).argmax()] for field in shown]
    )
    assert 0 < np.mean(signs < 0) < 0.7


def start(folder: Path, *, resume: bool = False, **given: object) -> Start:
    options = {"model": "locator", "data": str(DIGITS), "batch_size": 4, "threads": 1, "ema": 0.9, **given}
    return find_start(folder, options, resume=resume, overwrite=False)


def test_run_writes_model_and_record_and_a_resumed_one_the_same(few_examples: None, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    history = []
    finished = train_locator(whole, start(whole, epochs=3), lambda result, config: history.append(result))
    assert [result.epoch for result in history] == [1, 2, 3]
    assert {path.name for path in whole.iterdir()} == {"model.keras", "train.json", "fields.npz"}
    record = json.loads((whole / "train.json").read_text())
    assert record["parameters"] == finished.parameters == build_locator().count_params()
    assert record["validation"]["fields"] == FEW
    assert min(record["typefaces"]) > 0
    fields = read_npz(whole / "fields.npz")
    assert fields.images.shape == (examples.FIELD_CHUNKS * FEW, SIDE, SIDE, 1)
    assert fields.names == ("empty", "printed", "handwritten")
    assert len(set(fields.labels.tolist())) > 1

    class Stopped(Exception):
        pass

    def stop(result: object, config: object) -> None:
        if (parts / "checkpoint.keras").exists() and getattr(result, "epoch", 0) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train_locator(parts, start(parts, epochs=3), stop)
    train_locator(parts, start(parts, resume=True), lambda result, config: None)
    one, other = (keras.saving.load_model(folder / "model.keras").get_weights() for folder in (whole, parts))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


def test_steps_on_a_few_examples_learn_them(splits: Splits) -> None:
    keras.utils.set_random_seed(0)
    (batch,) = examples.validation_batches(draw(splits, 8), 8)
    model = build_locator(SIDE, SIDE)
    model.compile(keras.optimizers.Adam(3e-3), objective.map_loss, metrics=[objective.accuracy])
    first, *_, last = (model.train_on_batch(*batch, return_dict=True) for _ in range(50))
    assert float(last["loss"]) < 0.4 * float(first["loss"])
    assert float(last["accuracy"]) > 0.8


def test_options_of_classifiers_are_refused() -> None:
    config = resolve({"model": "locator"})
    assert (config.optimizer, config.batch_size, config.augment, config.paper) == ("adamw", 16, False, False)
    assert config.learning_rate == 3e-3
    assert resolve({"model": "locator", "preset": "best"}).epochs > config.epochs
    for name, value in (("augment", True), ("paper", True), ("elastic", 0.1), ("teacher", "t.keras")):
        with pytest.raises(UsageError, match=f"--{name}: is not for the locator"):
            resolve({"model": "locator", name: value})


def test_other_data_than_digits_is_refused(few_examples: None, tmp_path: Path) -> None:
    np.savez(tmp_path / "coins.npz", images=np.zeros((60, 28, 28), np.uint8), labels=np.repeat([0, 1, 2], 20))
    with pytest.raises(UsageError, match="expected the ten classes 0 to 9"):
        train_locator(tmp_path / "run", start(tmp_path / "run", data=str(tmp_path / "coins.npz")), lambda *_: None)
    assert not (tmp_path / "run").exists()


def test_command_says_what_the_locator_can_do(few_examples: None, run_here, tmp_path: Path) -> None:
    done = run_here("train", "--model", "locator", "--data", DIGITS, "--epochs", 1, "--threads", 1, "-o", "run")
    assert done.returncode == 0, done.stderr
    assert "175,420 parameters" in done.stdout
    assert "% found" in done.stdout
    refused = run_here("train", "--model", "locator", "--paper", "-o", "other")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--paper: is not for the locator, which draws its own examples; leave it out" in refused.stderr
