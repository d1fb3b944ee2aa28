"""Training proper: epoch after epoch, the same each time it is given the same."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import keras

from edgedigits.datasets import Splits
from edgedigits.errors import UsageError
from edgedigits_train.checkpoint import EpochResult
from edgedigits_train.config import TrainConfig
from edgedigits_train.epochs import Epoch, count_batches
from edgedigits_train.evaluate import mean_loss, predict
from edgedigits_train.mixture import DigitAccuracy, Mixture
from edgedigits_train.models import build_model
from edgedigits_train.pool import Pool

# Half an epoch of warm-up, from a twentieth of the rate: batch normalisation's first statistics are poor.
_WARMUP_EPOCHS = 0.5
_WARMUP_START = 0.05
_WEIGHT_DECAY = 0.02


def new_model(config: TrainConfig, splits: Splits, pool: Pool | None = None) -> keras.Model:
    """Build and compile the configured model with fresh weights that ``config.seed`` alone decides.

    ``pool`` is that of ``config.paper``.

    Raises
    ------
    UsageError: the architecture cannot work on images of this size.

    """
    keras.utils.set_random_seed(config.seed)
    height, width, channels = splits.train.images.shape[1:]
    model = build_model(config.model, (height, width, channels), len(splits.train.names))
    steps = count_batches(len(splits.train) + (len(pool) if pool else 0), config.batch_size)
    loss, metric = _loss_and_metric(config)
    # XLA compiles for longer than a small network trains.
    model.compile(make_optimizer(config, steps), loss=loss, metrics=[metric], jit_compile=False)
    # Built now, not at the first step, so that a checkpoint of epoch 0 is complete too.
    model.optimizer.build(model.trainable_variables)
    return model


def make_optimizer(config: TrainConfig, steps: int) -> Any:
    """The configured Keras optimizer; ``steps`` is the count of batches an epoch."""
    rate = make_schedule(config, steps)
    match config.optimizer:
        case "adam":
            return keras.optimizers.Adam(rate)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY)
        case _:
            return keras.optimizers.SGD(rate)


def make_schedule(config: TrainConfig, steps: int) -> Any:
    """The learning rate as a function of the optimizer's own count of steps, which a checkpoint keeps.

    The cosine: I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, one period.
    """
    if config.schedule == "constant":
        return config.learning_rate
    warmup = int(_WARMUP_EPOCHS * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=_WARMUP_START * config.learning_rate,
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, config.epochs * steps - warmup),
    )


def train_epochs(
    model: keras.Model, splits: Splits, config: TrainConfig, done: int, pool: Pool | None = None
) -> Iterator[EpochResult]:
    """Train on from epoch ``done`` to the last, yielding after each; ``model`` is compiled.

    With a ``pool`` the loss counts from the least possible one: that of outliers never comes near 0.

    Raises
    ------
    UsageError: the loss is no longer a number.

    """
    for epoch in range(done, config.epochs):
        started = time.perf_counter()
        batches = _batches(splits, pool, config, epoch)
        history = model.fit(batches, shuffle=False, verbose=0).history
        loss = float(history["loss"][0]) - (batches.least_loss if isinstance(batches, Mixture) else 0.0)
        if not math.isfinite(loss):
            raise UsageError(
                f"epoch {epoch + 1}: expected a finite loss, found {loss}; "
                f"take a --learning-rate below {config.learning_rate:g}"
            )
        answers = predict(model, splits.validation.images)
        right = answers.argmax(axis=1) == splits.validation.labels
        yield EpochResult(
            epoch=epoch + 1,
            loss=loss,
            accuracy=float(history["accuracy"][0]),
            validation_loss=mean_loss(answers, splits.validation.labels),
            validation_accuracy=float(right.mean()),
            seconds=time.perf_counter() - started,
        )


def _batches(splits: Splits, pool: Pool | None, config: TrainConfig, epoch: int) -> Epoch | Mixture:
    if pool is None:
        return Epoch(splits.train, config.batch_size, seed=config.seed, epoch=epoch, augment=config.augment)
    return Mixture(splits.train, pool, config.batch_size, seed=config.seed, epoch=epoch, augment=config.augment)


def _loss_and_metric(config: TrainConfig) -> tuple[str, Any]:
    if config.paper:
        return "categorical_crossentropy", DigitAccuracy(name="accuracy")
    return "sparse_categorical_crossentropy", "accuracy"
