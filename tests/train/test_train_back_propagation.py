"""The code on the tutorial's pages is the mlp: same outputs, same gradients, and it learns."""

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

SIZES = 784, 128, 10
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"
PAGES = [(TUTORIAL / name).read_text() for name in ("3-learning.md", "4-training.md")]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The functions of the network for which nothing but numpy is needed."""
    names: dict[str, Any] = {"np": np}
    for text in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            if block.startswith("def ") and "loss_" not in block:
                # Functions alone: a call below them is of the page's own digits.
                code = re.split(r"^(?!def |\s|$)", block, maxsplit=1, flags=re.MULTILINE)[0]
                exec(compile(code, "tutorial", "exec"), names)  # noqa: S102  the page's own code is what is tested
    return names


def inputs(images: np.ndarray) -> np.ndarray:
    """As the page makes them."""
    return images.reshape(-1, 784) / 255


def test_gradients_are_those_of_keras(page: dict[str, Any], splits: Splits) -> None:
    images, labels = splits.train.images, splits.train.labels
    model = build_model("mlp", (28, 28, 1), 10)
    weights = page["start"](np.random.default_rng(0), *SIZES)
    model.set_weights(weights)
    with tf.GradientTape() as tape:
        outputs = model(images.astype(np.float32))
        loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(labels, outputs))
    expected = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    own_loss, own = page["gradients"](weights, inputs(images), labels)
    assert own_loss == pytest.approx(float(loss), rel=1e-5)
    np.testing.assert_allclose(page["forward"](weights, inputs(images))[1], outputs, atol=1e-5)
    for mine, theirs in zip(own, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_gradients_are_the_slopes_of_the_loss(page: dict[str, Any], splits: Splits) -> None:
    images, labels = splits.train.images[:16], splits.train.labels[:16]
    weights = page["start"](np.random.default_rng(1), *SIZES)
    _, gradients = page["gradients"](weights, inputs(images), labels)
    rng = np.random.default_rng(2)
    for which, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)

        def loss_at(step: float, which: int = which, direction: np.ndarray = direction) -> float:
            moved = [w + step * direction if i == which else w for i, w in enumerate(weights)]
            return float(page["gradients"](moved, inputs(images), labels)[0])

        slope = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6
        assert slope == pytest.approx((gradient * direction).sum(), rel=1e-4, abs=1e-7)


def test_one_epoch_is_the_epoch_of_the_command(page: dict[str, Any], splits: Splits) -> None:
    # One batch of all images: then their order does not matter, and both make the same one step.
    config = resolve({"model": "mlp", "optimizer": "sgd", "epochs": 1, "batch_size": 80, "threads": 1})
    training_set = TrainingSet.of(splits.train)
    model = new_model(config, training_set)
    weights = [weight.astype(float) for weight in model.get_weights()]
    list(train_epochs(model, training_set, splits.validation, config, 0))
    own = page["epoch"](weights, inputs(splits.train.images), splits.train.labels, np.random.default_rng(0), batch=80)
    for mine, theirs in zip(own, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_it_learns_real_digits(page: dict[str, Any], splits: Splits) -> None:
    rng = np.random.default_rng(0)
    weights = page["start"](rng, *SIZES)
    for _ in range(30):
        weights = page["epoch"](weights, inputs(splits.train.images), splits.train.labels, rng)

    def share_right(part: Any) -> float:
        return float((page["forward"](weights, inputs(part.images))[1].argmax(axis=1) == part.labels).mean())

    assert share_right(splits.train) > 0.95
    assert share_right(splits.validation) + share_right(splits.test) > 2 * 0.5


def test_page_names_the_network_that_is_built() -> None:
    assert f"{build_model('mlp', (28, 28, 1), 10).count_params():,} weights" in " ".join(PAGES[1].split())
