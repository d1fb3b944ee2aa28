"""The training loop: it trains epoch after epoch, with the same results for the same data and configuration."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits_train.config import TrainConfig
from edgedigits_train.data.augmentation import Range
from edgedigits_train.data.epochs import Epoch, View, count_batches
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import build_model
from edgedigits_train.training.checkpoint import EpochResult
from edgedigits_train.training.distillation import VIEW_SEED, VIEWS, Teacher
from edgedigits_train.training.evaluation import mean_loss, predict

# The rate warms up for half an epoch from a twentieth: batch normalisation's first statistics are poor.
_WARMUP_EPOCHS = 0.5
_WARMUP_START = 0.05
_WEIGHT_DECAY = 0.02
# How many points the curve of the learning rate has.
_POINTS = 400


def new_model(config: TrainConfig, training_set: TrainingSet) -> keras.Model:
    """Build and compile the configured model; ``config.seed`` alone decides its initial weights.

    Raises
    ------
    UsageError: the architecture does not accept images of this size.

    """
    keras.utils.set_random_seed(config.seed)
    height, width, channels = training_set.parts[0].shape[1:]
    model = build_model(config.model, (height, width, channels), training_set.targets.shape[1])
    compile_model(model, config, count_batches(training_set.epoch_size(config.paper_share), config.batch_size))
    return model


def compile_model(model: keras.Model, config: TrainConfig, steps: int) -> None:
    """Compile a model with its loss and the configured optimizer; ``steps`` is the count of batches in an epoch."""
    # With TensorFlow, XLA compiles for longer than a small network trains. JAX without it runs operation by operation.
    jit = keras.backend.backend() == "jax"
    optimizer = make_optimizer(config, steps)
    model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
    # The optimizer is built before the first step, so that the first checkpoint is complete.
    model.optimizer.build(model.trainable_variables)


def make_optimizer(config: TrainConfig, steps: int, clip: float | None = None) -> Any:
    """Return the configured Keras optimizer; ``steps`` is an epoch's count of batches, ``clip`` limits gradients."""
    rate = make_schedule(config, steps)
    ema = {"use_ema": True, "ema_momentum": config.ema} if config.ema else {}
    options = {"clipnorm": clip, **ema}
    match config.optimizer:
        case "adam":
            return keras.optimizers.Adam(rate, **options)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY, **options)
        case _:
            return keras.optimizers.SGD(rate, **options)


def make_schedule(config: TrainConfig, steps: int) -> Any:
    """Return the learning rate, constant or as a function of the optimizer's step, which a checkpoint keeps.

    The cosine schedule is one period of I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
    restarts", 2017.
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


def learning_rates(config: TrainConfig) -> NDArray[np.float64]:
    """Return the learning rate at points spread evenly over a run, as `make_schedule` has it.

    Keras' schedule takes one step at a time, and JAX compiles it again for each: asking it for a curve takes up to half
    a minute.
    """
    if config.schedule == "constant":
        return np.full(_POINTS, config.learning_rate)
    epochs = np.linspace(0, config.epochs, _POINTS)
    rise = _WARMUP_START + (1 - _WARMUP_START) * epochs / _WARMUP_EPOCHS
    fall = (1 + np.cos(np.pi * (epochs - _WARMUP_EPOCHS) / (config.epochs - _WARMUP_EPOCHS))) / 2
    return config.learning_rate * np.where(epochs < _WARMUP_EPOCHS, rise, fall)


def train_epochs(
    model: keras.Model, training_set: TrainingSet, validation: Dataset, config: TrainConfig, done: int
) -> Iterator[EpochResult]:
    """Train the compiled ``model`` after ``done`` epochs to the last one, and yield the results of each epoch.

    The reported loss is the difference to the least possible one, because the loss of soft targets never comes near 0.
    With ``config.ema`` validation uses the averaged weights, which are poor in the first epochs; the model keeps them
    after the last epoch. With a teacher the model's outputs are as soft as their targets; see `sharpen`.

    Raises
    ------
    InputError: the teacher cannot be read.
    UsageError: the loss is not finite, or the teacher does not fit the training set.

    """
    teacher = Teacher(config.teacher, training_set) if config.teacher else None
    for epoch in range(done, config.epochs):
        started = time.perf_counter()
        batches, least_loss = _batches(training_set, teacher, config, epoch)
        means = train_batches(model, batches)
        loss = means["loss"] - least_loss
        if not math.isfinite(loss):
            raise UsageError(
                f"epoch {epoch + 1}: expected a finite loss, found {loss}; "
                f"take a --learning-rate below {config.learning_rate:g}"
            )
        # Validation uses the averaged weights; training goes on with the model's own.
        own = model.get_weights()
        model.optimizer.finalize_variable_values(model.trainable_variables)
        # The weights are copied, because JAX donates a model's arrays to each call; the optimizer would lose its own.
        model.set_weights(model.get_weights())
        outputs = predict(model, validation.images)
        if epoch + 1 < config.epochs:
            model.set_weights(own)
        yield EpochResult(
            epoch=epoch + 1,
            loss=loss,
            accuracy=means["accuracy"],
            validation_loss=mean_loss(outputs, validation.labels),
            validation_accuracy=float((outputs.argmax(axis=1) == validation.labels).mean()),
            seconds=time.perf_counter() - started,
        )


def train_batches(model: keras.Model, batches: Iterable[tuple[NDArray[np.float32], ...]]) -> dict[str, float]:
    """Train one step on each batch and return the means of ``loss`` and ``accuracy`` over all images.

    `keras.Model.fit` is not used, because its input pipeline around ours would cost a tenth of a small step.
    """
    results = [(len(batch[0]), model.train_on_batch(*batch, return_dict=True)) for batch in batches]
    counts, logs = zip(*results, strict=True)
    return {name: float(np.average([log[name] for log in logs], weights=counts)) for name in ("loss", "accuracy")}


def _batches(
    training_set: TrainingSet, teacher: Teacher | None, config: TrainConfig, epoch: int
) -> tuple[Epoch, float]:
    """Return an epoch's batches, and the least loss that any model can have on them."""
    limits = Range(elastic=config.elastic) if config.augment else None
    seed, number = (VIEW_SEED, epoch % VIEWS) if teacher else (config.seed, epoch)
    view = View.draw(training_set, limits, config.paper_share, seed=seed, epoch=number)
    if teacher:
        training_set = training_set.with_soft_targets(view.rows, teacher.soft_targets(view, number, config.temperature))
    return Epoch(training_set, view, config.batch_size, seed=config.seed, epoch=epoch), training_set.target_entropy(
        view.rows
    )
