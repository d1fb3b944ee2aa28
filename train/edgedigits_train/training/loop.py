"""Training proper: epoch after epoch, the same each time it is given the same."""

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
from edgedigits_train.data.epochs import Batch, Epoch, View, count_batches
from edgedigits_train.data.training_set import Material
from edgedigits_train.models.build import build_model
from edgedigits_train.training.checkpoint import EpochResult
from edgedigits_train.training.distillation import VIEW_SEED, VIEWS, Teacher
from edgedigits_train.training.evaluation import mean_loss, predict

# Half an epoch of warm-up, from a twentieth of the rate: batch normalisation's first statistics are poor.
_WARMUP_EPOCHS = 0.5
_WARMUP_START = 0.05
_WEIGHT_DECAY = 0.02
# Of the learning rate's curve.
_PLACES = 400


def new_model(config: TrainConfig, material: Material) -> keras.Model:
    """Build and compile the configured model with fresh weights that ``config.seed`` alone decides.

    Raises
    ------
    UsageError: the architecture cannot work on images of this size.

    """
    keras.utils.set_random_seed(config.seed)
    height, width, channels = material.parts[0].shape[1:]
    model = build_model(config.model, (height, width, channels), material.targets.shape[1])
    compile_model(model, config, count_batches(material.count_seen(config.paper_share), config.batch_size))
    return model


def compile_model(model: keras.Model, config: TrainConfig, steps: int) -> None:
    """Give a model the configured loss and optimizer; ``steps`` is the count of batches an epoch."""
    # For TensorFlow, XLA compiles for longer than a small network trains; JAX without it goes operation by operation.
    jit = keras.backend.backend() == "jax"
    optimizer = make_optimizer(config, steps)
    model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
    # Built now, not at the first step, so that a checkpoint of epoch 0 is complete too.
    model.optimizer.build(model.trainable_variables)


def make_optimizer(config: TrainConfig, steps: int) -> Any:
    """The configured Keras optimizer; ``steps`` is the count of batches an epoch."""
    rate = make_schedule(config, steps)
    average = {"use_ema": True, "ema_momentum": config.average} if config.average else {}
    match config.optimizer:
        case "adam":
            return keras.optimizers.Adam(rate, **average)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY, **average)
        case _:
            return keras.optimizers.SGD(rate, **average)


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


def learning_rates(config: TrainConfig) -> NDArray[np.float64]:
    """The rate at places spread evenly over a run; how many steps an epoch has makes no difference to it."""
    schedule = make_schedule(config, _PLACES)
    places = np.linspace(0, config.epochs * _PLACES, _PLACES)
    return np.array([float(schedule(place)) if callable(schedule) else schedule for place in places])


def train_epochs(
    model: keras.Model, material: Material, validation: Dataset, config: TrainConfig, done: int
) -> Iterator[EpochResult]:
    """Train on from epoch ``done`` to the last, yielding after each; ``model`` is compiled.

    The loss counts from the least possible one: that of soft targets never comes near 0. With ``config.average`` the
    figures are those of the averaged weights, which the model keeps after the last epoch: a poor average at first. With
    a teacher the answers are as soft as its own; see `sharpen`.

    Raises
    ------
    InputError: the teacher cannot be read.
    UsageError: the loss is no longer a number, or the teacher does not fit.

    """
    teacher = Teacher(config.teacher, material) if config.teacher else None
    for epoch in range(done, config.epochs):
        started = time.perf_counter()
        batches, least = _batches(material, teacher, config, epoch)
        told = learn(model, batches)
        loss = told["loss"] - least
        if not math.isfinite(loss):
            raise UsageError(
                f"epoch {epoch + 1}: expected a finite loss, found {loss}; "
                f"take a --learning-rate below {config.learning_rate:g}"
            )
        # The averaged weights are looked at, but not trained on.
        own = model.get_weights()
        model.optimizer.finalize_variable_values(model.trainable_variables)
        # Copied: JAX hands a model's arrays over with each call, and the optimizer would lose what is only lent.
        model.set_weights(model.get_weights())
        answers = predict(model, validation.images)[:, : material.classes]
        if epoch + 1 < config.epochs:
            model.set_weights(own)
        yield EpochResult(
            epoch=epoch + 1,
            loss=loss,
            accuracy=told["accuracy"],
            validation_loss=mean_loss(answers, validation.labels),
            validation_accuracy=float((answers.argmax(axis=1) == validation.labels).mean()),
            seconds=time.perf_counter() - started,
        )


def learn(model: keras.Model, batches: Iterable[Batch]) -> dict[str, float]:
    """A step a batch; loss and accuracy over all of them.

    Without `keras.Model.fit`, which would make its own pipeline around ours at the cost of a tenth of a small step.
    """
    told = [(len(batch[0]), model.train_on_batch(*batch, return_dict=True)) for batch in batches]
    counts, logs = zip(*told, strict=True)
    return {name: float(np.average([each[name] for each in logs], weights=counts)) for name in ("loss", "accuracy")}


def _batches(material: Material, teacher: Teacher | None, config: TrainConfig, epoch: int) -> tuple[Epoch, float]:
    """An epoch's batches, and the least loss that they can have."""
    limits = Range(bend=config.bend) if config.augment else None
    seed, number = (VIEW_SEED, epoch % VIEWS) if teacher else (config.seed, epoch)
    view = View.draw(material, limits, config.paper_share, seed=seed, epoch=number)
    if teacher:
        material = material.answered(view.rows, teacher.answer(view, number, config.temperature))
    return Epoch(material, view, config.batch_size, seed=config.seed, epoch=epoch), material.least_loss(view.rows)
