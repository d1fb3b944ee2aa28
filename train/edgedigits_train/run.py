"""One training run, from its configuration to its folder with the model, the record, the report and the plots."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset, Splits, load_splits
from edgedigits.errors import OutputError
from edgedigits.files import write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits_train import record
from edgedigits_train.config import TrainConfig, option
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import count_macs
from edgedigits_train.quantization.begin import compare_start, new_twin
from edgedigits_train.quantization.source import Source
from edgedigits_train.quantization.twin import finish_twin
from edgedigits_train.record import DataRecord, PaperRecord, TrainRecord
from edgedigits_train.report.model_plots import draw_filters, draw_reliability
from edgedigits_train.report.page import render
from edgedigits_train.report.plots import draw_confusion, draw_curves, draw_mistakes, draw_samples
from edgedigits_train.scenes.pool import Pool, require_mnist_digits
from edgedigits_train.scenes.pool_cache import cached_pool
from edgedigits_train.start import Start, require_same_inputs
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import EpochResult, Progress
from edgedigits_train.training.distillation import sharpen
from edgedigits_train.training.evaluation import predict, score, score_paper
from edgedigits_train.training.keras_file import file_sha256
from edgedigits_train.training.loop import learning_rates, new_model, train_epochs
from edgedigits_train.training.notes import training_notes

MODEL = "model.keras"
REPORT = "report.html"
PLOTS = ("samples.png", "curves.png", "confusion.png", "mistakes.png", "reliability.png", "filters.png")
# The options that name files of models.
_FILES = ("teacher", "from_model")
# Runs of every seed share one pool: making it takes minutes, and the teacher's outputs are cached for its images.
_POOL_SEED = 0

OnEpoch = Callable[[EpochResult, TrainConfig], None]


def train(folder: Path, start: Start, on_epoch: OnEpoch, say: Callable[[str], None]) -> TrainRecord:
    """Train and evaluate a model, write the run's folder and return its record.

    train.json is written last, so its presence means that the run is finished. ``on_epoch`` is called after each
    epoch, when the epoch's checkpoint is on the disk, ``say`` with a line for what is likely to disappoint.

    Raises
    ------
    DatasetError: the data cannot be read.
    UsageError: the data changed since the run was started, or the configuration cannot be trained.
    OutputError: the folder cannot be written.

    """
    began = time.perf_counter()
    config = start.config
    backend.set_up(config.threads)
    read = start.own.read if start.own else read_pixels
    splits = load_splits(config.data, read, keras_loader=keras.datasets.mnist.load_data)
    described = record.describe_data(splits, start.own.pictures if start.own else None)
    origin = _origin(config, described)
    require_same_inputs(start, origin)
    pools = _make_pools(splits, config) if config.paper else None
    training_set = TrainingSet.of(splits.train, pools.train if pools else None, config.label_smoothing)
    model, history = _begin(folder, start, training_set, splits.validation, origin, say)
    for line in training_notes(config, training_set, model.count_params()):
        say(line)
    for result in train_epochs(model, training_set, splits.validation, config, len(history)):
        history = (*history, result)
        checkpoint.save_checkpoint(folder, model, Progress(config, origin, history))
        on_epoch(result, config)
    return _finish(folder, model, splits, described, Progress(config, origin, history), pools, start.source, began)


def _origin(config: TrainConfig, described: DataRecord) -> str:
    """Return one hash of what the weights come from besides the configuration: the data, and the files of models."""
    files = [digest for name in _FILES if (digest := _sha256(config, name))]
    return hashlib.sha256("".join([described.sha256, *files]).encode()).hexdigest() if files else described.sha256


def _sha256(config: TrainConfig, name: str) -> str | None:
    """Return the hash of the file that an option names; None where it is not given."""
    path = getattr(config, name)
    return file_sha256(path, option(name)) if path else None


@dataclass(frozen=True, slots=True)
class PaperPools:
    """The pools that ``--paper`` draws from the training and the validation digits, and the wall time in seconds."""

    train: Pool
    validation: Pool
    seconds: float


def _make_pools(splits: Splits, config: TrainConfig) -> PaperPools:
    began = time.perf_counter()
    for data in (splits.train, splits.validation):
        require_mnist_digits(data)
    train, validation = (
        cached_pool(data, seed=_POOL_SEED, side=side, processes=config.threads)
        for side, data in enumerate((splits.train, splits.validation))
    )
    return PaperPools(train, validation, time.perf_counter() - began)


def _begin(
    folder: Path,
    start: Start,
    training_set: TrainingSet,
    validation: Dataset,
    origin: str,
    say: Callable[[str], None],
) -> tuple[keras.Model, tuple[EpochResult, ...]]:
    """Return the model and its finished epochs, from the checkpoint or fresh; a fresh run replaces an older one."""
    if start.progress:
        return checkpoint.load_checkpoint(folder), start.progress.history
    if start.source:
        model = new_twin(start.source, start.config, training_set)
        say(compare_start(start.source, model, validation))
    else:
        model = new_model(start.config, training_set)
    begin_folder(folder, model, Progress(start.config, origin, ()))
    return model, ()


def _finish(
    folder: Path,
    model: keras.Model,
    splits: Splits,
    described: DataRecord,
    progress: Progress,
    pools: PaperPools | None,
    source: Source | None,
    began: float,
) -> TrainRecord:
    """Write the files of a finished run and return its record; the test images are looked at here and nowhere else.

    With a ``source``, the model that is written computes in float, the one that is evaluated as its file does.
    """
    config = progress.config
    trained = finish_twin(source.network, source.plan, model) if source else None
    written, model = (trained.model, trained.twin) if trained else (model, model)
    if config.teacher and not trained:
        sharpen(model, config.temperature)
    checkpoint.save_plain(folder / MODEL, written)
    test_outputs = predict(model, splits.test.images)
    finished = TrainRecord(
        schema=record.SCHEMA,
        config=config,
        versions=backend.versions(),
        data=described,
        parameters=written.count_params(),
        macs=count_macs(written),
        history=progress.history,
        validation=score(predict(model, splits.validation.images), splits.validation),
        test=score(test_outputs, splits.test),
        paper=_describe_paper(model, pools) if pools else None,
        teacher_sha256=_sha256(config, "teacher"),
        from_sha256=_sha256(config, "from_model"),
        quantization=trained.quantization if trained else None,
        seconds={
            "epochs": sum(epoch.seconds for epoch in progress.history),
            **({"paper": pools.seconds} if pools else {}),
            "process": time.perf_counter() - began,
        },
    )
    plots = _draw_plots(finished, written, splits, test_outputs, pools)
    for name, data in plots.items():
        write_atomic(folder / f"{name}.png", data)
    write_atomic(folder / REPORT, render(finished, plots).encode())
    write_atomic(folder / record.NAME, record.to_bytes(finished))
    # A finished run does not need its checkpoint, which is three times the model's size.
    with suppress(OSError):
        (folder / checkpoint.NAME).unlink()
    return finished


def _draw_plots(
    finished: TrainRecord,
    model: keras.Model,
    splits: Splits,
    test_outputs: NDArray[np.float32],
    pools: PaperPools | None,
) -> dict[str, bytes]:
    """Return the plots of a run as PNG bytes, by file name without ending."""
    config = finished.config
    return {
        "samples": draw_samples(splits.train, config.seed, pools.train if pools else None),
        "curves": draw_curves(finished.history, learning_rates(config)),
        "confusion": draw_confusion(finished.test),
        "mistakes": draw_mistakes(splits.test, test_outputs),
        "reliability": draw_reliability(test_outputs, splits.test.labels),
        "filters": draw_filters(model),
    }


def _describe_paper(model: keras.Model, pools: PaperPools) -> PaperRecord:
    outputs = predict(model, pools.validation.images)
    return PaperRecord(pools.train.counts(), pools.train.sha256(), score_paper(outputs, pools.validation))


def begin_folder(folder: Path, model: keras.Model, progress: Progress) -> None:
    """Write a run's first checkpoint, and only then delete an older run's files, the record first; others stay."""
    checkpoint.save_checkpoint(folder, model, progress)
    try:
        for name in (record.NAME, MODEL, REPORT, *PLOTS):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error
