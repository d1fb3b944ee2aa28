"""A training run of the locator, from its configuration to its folder with the model and the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Splits, load_splits
from edgedigits.files import write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits_train import record
from edgedigits_train.config import TrainConfig
from edgedigits_train.locator.examples import (
    CHUNK,
    CHUNKS,
    SHOWINGS,
    Batch,
    Chunks,
    Window,
    draw_fields,
    validation_batches,
)
from edgedigits_train.locator.network import build_locator, deployable
from edgedigits_train.locator.objective import accuracy, map_loss
from edgedigits_train.locator.score import LocatorScore, score_locator
from edgedigits_train.models.build import count_macs
from edgedigits_train.record import DataRecord
from edgedigits_train.run import MODEL, begin_folder
from edgedigits_train.scenes.examples import SIDE, Example
from edgedigits_train.scenes.pool import require_mnist_digits
from edgedigits_train.scenes.processes import draw_in_processes
from edgedigits_train.scenes.typefaces import usable_fonts
from edgedigits_train.start import Start, require_same_inputs
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import EpochResult, Progress
from edgedigits_train.training.loop import make_optimizer, train_batches

OnEpoch = Callable[[EpochResult, TrainConfig], None]
# Examples that validate: the first so many of a chunk drawn from the validation digits and the held-out typefaces.
_VALIDATION = 400
# Fields for export, which calibrates with them and compares the files with Keras.
FIELDS = "fields.npz"
# The greatest norm of a gradient: a field of much print has a hundred times the peaks of an empty one.
_CLIP = 5.0


@dataclass(frozen=True, slots=True)
class LocatorRecord:
    """Everything about a finished run; the fields mean what they mean in `TrainRecord`.

    Attributes
    ----------
    macs: multiplications with addition for a picture of 640 by 480 pixels.
    typefaces: the counts of typefaces that the scenes were drawn with, for training and for validation.

    """

    schema: int
    config: TrainConfig
    versions: dict[str, str]
    data: DataRecord
    typefaces: tuple[int, int]
    parameters: int
    macs: int
    history: tuple[EpochResult, ...]
    validation: LocatorScore
    seconds: dict[str, float]


def train_locator(folder: Path, start: Start, on_epoch: OnEpoch) -> LocatorRecord:
    """Train and evaluate a locator, write the run's folder and return its record, which is written last.

    Raises
    ------
    DatasetError: the data cannot be read.
    UsageError: the data is not one of digits, or changed since the run was started.
    OutputError: the folder cannot be written, or a process that draws examples died.

    """
    began = time.perf_counter()
    config = start.config
    backend.set_up(max(1, config.threads - 1))
    splits = load_splits(config.data, read_pixels, keras_loader=keras.datasets.mnist.load_data)
    for data in (splits.train, splits.validation):
        require_mnist_digits(data)
    described = record.describe_data(splits)
    require_same_inputs(start, described.sha256)
    held_out = Chunks(splits.validation, config.seed, held_out=True)(0)[:_VALIDATION]
    model, history = _begin(folder, start, described.sha256)
    for result in _epochs(model, splits, held_out, config, len(history)):
        history = (*history, result)
        checkpoint.save_checkpoint(folder, model, Progress(config, described.sha256, history))
        on_epoch(result, config)
    fields = draw_fields(splits.validation, config.seed, config.threads)
    write_atomic(folder / FIELDS, fields)
    return _finish(folder, model, described, held_out, history, config, began)


def _begin(folder: Path, start: Start, origin: str) -> tuple[keras.Model, tuple[EpochResult, ...]]:
    if start.progress:
        return checkpoint.load_checkpoint(folder), start.progress.history
    config = start.config
    keras.utils.set_random_seed(config.seed)
    model = build_locator(SIDE, SIDE)
    jit = keras.backend.backend() == "jax"
    model.compile(make_optimizer(config, _steps(config), clip=_CLIP), map_loss, metrics=[accuracy], jit_compile=jit)
    model.optimizer.build(model.trainable_variables)
    begin_folder(folder, model, Progress(config, origin, ()))
    return model, ()


def _steps(config: TrainConfig) -> int:
    return max(1, CHUNKS * CHUNK * SHOWINGS // config.batch_size)


def _epochs(
    model: keras.Model, splits: Splits, held_out: list[Example], config: TrainConfig, done: int
) -> Iterator[EpochResult]:
    """Train after ``done`` epochs to the last one, while another process draws the next examples."""
    window = Window()
    drawn = window.first_chunk(done)
    numbers = range(drawn, config.epochs * CHUNKS)
    chunks = draw_in_processes(Chunks(splits.train, config.seed), numbers, config.threads - 1)
    for epoch in range(done, config.epochs):
        started = time.perf_counter()
        while drawn < (epoch + 1) * CHUNKS:
            window.add(next(chunks))
            drawn += 1
        means = train_batches(model, window.batches(_steps(config), config.batch_size, seed=config.seed, epoch=epoch))
        own = model.get_weights()
        model.optimizer.finalize_variable_values(model.trainable_variables)
        loss, share = _validate(model, validation_batches(held_out, config.batch_size))
        if epoch + 1 < config.epochs:
            model.set_weights(own)
        yield EpochResult(epoch + 1, means["loss"], means["accuracy"], loss, share, time.perf_counter() - started)


def _validate(model: keras.Model, batches: Iterator[Batch]) -> tuple[float, float]:
    results = [(len(batch[0]), model.test_on_batch(*batch, return_dict=True)) for batch in batches]
    counts, logs = zip(*results, strict=True)
    loss, share = (float(np.average([log[name] for log in logs], weights=counts)) for name in ("loss", "accuracy"))
    return loss, share


def _finish(
    folder: Path,
    model: keras.Model,
    described: DataRecord,
    held_out: list[Example],
    history: tuple[EpochResult, ...],
    config: TrainConfig,
    began: float,
) -> LocatorRecord:
    free = deployable(model)
    checkpoint.save_plain(folder / MODEL, free)

    def network(contrast: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(free(contrast.astype(np.float32), training=False), np.float32)

    finished = LocatorRecord(
        schema=record.SCHEMA,
        config=config,
        versions=backend.versions(),
        data=described,
        typefaces=(len(usable_fonts()), len(usable_fonts(held_out=True))),
        parameters=free.count_params(),
        macs=count_macs(build_locator(480, 640)),
        history=history,
        validation=score_locator(network, held_out),
        seconds={"epochs": sum(epoch.seconds for epoch in history), "process": time.perf_counter() - began},
    )
    write_atomic(folder / record.NAME, record.to_bytes(finished))
    with suppress(OSError):
        (folder / checkpoint.NAME).unlink()
    return finished


def summary(finished: LocatorRecord) -> list[str]:
    """Return the lines that say what a finished locator can do."""
    found = finished.validation
    return [
        f"locator: {finished.parameters:,} parameters, {finished.macs / 1e6:.0f} million MACs for 640 by 480 pixels",
        f"  in {found.fields} drawn fields with {found.digits} digits: {100 * found.found / found.digits:.2f} % found, "
        f"{100 * found.right / found.digits:.2f} % found and named rightly, {found.false} made up",
    ]
