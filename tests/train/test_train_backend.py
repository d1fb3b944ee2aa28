"""Training on another of Keras' backends, as on a machine with an accelerator, and coming back to TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from subprocess import Popen

import keras
import pytest

from edgedigits.datasets import Splits
from edgedigits_train.training.evaluation import predict, score

Start = Callable[[Sequence[object]], "Popen[str]"]


def test_a_run_on_jax_gives_a_model_that_answers_the_same_in_tensorflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_training: Start, splits: Splits
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    options = ("--model", "nano", "--epochs", 8, "--batch-size", 8, "--ema", 0.9, "-o", tmp_path / "run")
    process = start_training(options)
    assert process.communicate()[0]
    assert process.returncode == 0
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert "jax" in record["versions"]
    assert record["history"][-1]["loss"] < record["history"][0]["loss"] / 2
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    there = score(predict(model, splits.test.images), splits.test)
    assert there.correct == record["test"]["correct"]
    assert there.loss == pytest.approx(record["test"]["loss"], rel=1e-3)


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_backend_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_training: Start
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    process = start_training(("-o", tmp_path / "run"))
    out, err = process.communicate()
    assert (process.returncode, out) == (3, "")
    assert err.startswith("edgedigits: train: needs torch, not installed")
    assert not (tmp_path / "run").exists()
