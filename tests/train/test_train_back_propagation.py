"""The code on the page docs/back-propagation.md is the mlp: same outputs, same gradients, and it learns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from edgedigits.datasets import Splits
from edgedigits_train.config import resolve
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import build_model
from edgedigits_train.training.loop import new_model, train_epochs

pytestmark = pytest.mark.tensorflow

PAGE = Path(__file__).parents[2] / "docs" / "back-propagation.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, PAGE.name, "exec"), names)  # noqa: S102  the page's own code is what is tested
    return names


def test_gradients_are_those_of_keras(page: dict[str, Any], splits: Splits) -> None:
    images, labels = splits.train.images, splits.train.labels
    model = build_model("mlp", (28, 28, 1), 10)
    weights = page["start"](np.random.default_rng(0))
    model.set_weights(weights)
    with tf.GradientTape() as tape:
        outputs = model(images.astype(np.float32))
        loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(labels, outputs))
    expected = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    own_loss, own = page["gradients"](weights, images, labels)
    assert own_loss == pytest.approx(float(loss), rel=1e-5)
    np.testing.assert_allclose(page["forward"](weights, images)[2], outputs, atol=1e-5)
    for mine, theirs in zip(own, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_gradients_are_the_slopes_of_the_loss(page: dict[str, Any], splits: Splits) -> None:
    images, labels = splits.train.images[:16], splits.train.labels[:16]
    weights = page["start"](np.random.default_rng(1))
    _, gradients = page["gradients"](weights, images, labels)
    rng = np.random.default_rng(2)
    for which, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)

        def loss_at(step: float, which: int = which, direction: np.ndarray = direction) -> float:
            moved = [w + step * direction if i == which else w for i, w in enumerate(weights)]
            return float(page["gradients"](moved, images, labels)[0])

        slope = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6
        assert slope == pytest.approx((gradient * direction).sum(), rel=1e-4, abs=1e-7)


def test_one_epoch_is_the_epoch_of_the_command(page: dict[str, Any], splits: Splits) -> None:
    # One batch of all images: then their order does not matter, and both make the same one step.
    config = resolve({"model": "mlp", "optimizer": "sgd", "epochs": 1, "batch_size": 80, "threads": 1})
    training_set = TrainingSet.of(splits.train)
    model = new_model(config, training_set)
    weights = [weight.astype(float) for weight in model.get_weights()]
    list(train_epochs(model, training_set, splits.validation, config, 0))
    own = page["epoch"](weights, splits.train.images, splits.train.labels, np.random.default_rng(0), batch=80)
    for mine, theirs in zip(own, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_it_learns_real_digits(page: dict[str, Any], splits: Splits) -> None:
    rng = np.random.default_rng(0)
    weights = page["start"](rng)
    for _ in range(30):
        weights = page["epoch"](weights, splits.train.images, splits.train.labels, rng)

    def share_right(part: Any) -> float:
        return float((page["forward"](weights, part.images)[2].argmax(axis=1) == part.labels).mean())

    assert share_right(splits.train) > 0.95
    assert share_right(splits.validation) + share_right(splits.test) > 2 * 0.5


def test_page_names_the_network_that_is_built() -> None:
    text = PAGE.read_text()
    assert f"{build_model('mlp', (28, 28, 1), 10).count_params():,} weights" in text
    assert len(text.splitlines()) <= 120
