"""The configuration: what is left out has a default, what is impossible is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from edgedigits.errors import UsageError
from edgedigits_train.config import PRESETS, resolve


def test_defaults_follow_model_and_optimizer() -> None:
    assert resolve({}).model == "small"
    mlp = resolve({"model": "mlp"})
    assert (mlp.optimizer, mlp.schedule, mlp.augment) == ("sgd", "constant", False)
    assert resolve({"model": "mlp", "optimizer": "adam"}).learning_rate < mlp.learning_rate


def test_temperature_waits_for_a_teacher() -> None:
    assert resolve({}).temperature == 1
    assert resolve({"teacher": "t.keras"}).temperature > 1


def test_what_is_given_stays() -> None:
    given: dict[str, Any] = {
        "model": "lenet5", "preset": "best", "data": "here", "size": "48x64", "epochs": 3, "batch_size": 7,
        "optimizer": "adamw", "learning_rate": 0.5, "schedule": "constant", "augment": False, "elastic": 0.5,
        "paper": True, "paper_share": 0.5, "label_smoothing": 0.25, "ema": 0.75,
        "teacher": "t.keras", "temperature": 2.5, "quantize": None, "from_model": None, "seed": 9,
        "threads": 2,
    }  # fmt: skip
    assert resolve(given).to_dict() == given
    given |= {"model": "mine", "temperature": 1.0, "quantize": "int8", "from_model": "m.keras"}
    assert resolve(given).to_dict() == given


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("model", "vgg", f"--model: expected {', '.join(PRESETS['quick'])}, found vgg"),
        ("preset", "slow", "--preset: expected quick, best, found slow"),
        ("optimizer", "lion", "--optimizer: expected adam, adamw, sgd, found lion"),
        ("schedule", "step", "--schedule: expected cosine, constant, found step"),
        ("epochs", 0, "--epochs: expected at least 1, found 0"),
        ("batch_size", -1, "--batch-size: expected at least 1, found -1"),
        ("threads", 0, "--threads: expected at least 1, found 0"),
        ("seed", -1, "--seed: expected 0 to 4294967295, found -1"),
        ("seed", 2**32, "--seed: expected 0 to 4294967295, found 4294967296"),
        ("learning_rate", 0.0, "--learning-rate: expected a number above 0, found 0"),
        ("learning_rate", math.nan, "--learning-rate: expected a number above 0, found nan"),
        ("elastic", -0.1, "--elastic: expected at least 0 and less than 1, found -0.1"),
        ("paper_share", 0.0, "--paper-share: expected more than 0 and at most 1, found 0"),
        ("ema", 1.0, "--ema: expected at least 0 and less than 1, found 1"),
        ("temperature", 0.0, "--temperature: expected a number above 0, found 0"),
        ("learning_rate", math.inf, "--learning-rate: expected a number above 0, found inf"),
    ],
)
def test_impossible_values_are_refused_in_one_line(name: str, value: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve({name: value})
    assert str(caught.value) == message


def test_other_options_than_the_run_s_are_all_named() -> None:
    config = resolve({"epochs": 3, "seed": 1})
    config.require_same({"epochs": 3})
    with pytest.raises(UsageError, match=r"--epochs 3 \(asked: 5\), --seed 1 \(asked: 2\)"):
        config.require_same({"epochs": 5, "seed": 2})
