"""Training on another of Keras' backends, as on a machine with an accelerator, and coming back to TensorFlow."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest
from trained import start_training

from edgedigits.datasets import Splits
from edgedigits_train.training.evaluation import predict, score

pytestmark = pytest.mark.tensorflow


# A process of its own imports JAX, which then compiles the network's step and every operation that leads to it; less
# optimised code is compiled sooner.
def test_a_run_on_jax_gives_a_model_that_answers_the_same_in_tensorflow(tmp_path: Path, splits: Splits) -> None:
    options = ("--model", "nano", "--epochs", 8, "--batch-size", 8, "--ema", 0.9, "-o", tmp_path / "run")
    process = start_training(options, environment={"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"})
    _, err = process.communicate()
    assert process.returncode == 0, err
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert "jax" in record["versions"]
    assert record["history"][-1]["loss"] < record["history"][0]["loss"] / 2
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    there = score(predict(model, splits.test.images), splits.test)
    assert there.correct == record["test"]["correct"]
    assert there.loss == pytest.approx(record["test"]["loss"], rel=1e-3)


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_backend_that_is_not_installed_is_named(tmp_path: Path) -> None:
    process = start_training(("-o", tmp_path / "run"), environment={"KERAS_BACKEND": "torch"})
    out, err = process.communicate()
    assert (process.returncode, out) == (3, "")
    assert err.startswith("edgedigits: train: needs torch, not installed")
    assert not (tmp_path / "run").exists()
