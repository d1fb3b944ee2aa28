"""One training run, from its configuration to its folder with the model, the record, the report and the plots."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Splits, load_splits
from edgedigits.errors import OutputError, UsageError
from edgedigits.files import refuse_existing, write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits_train import record
from edgedigits_train.config import TrainConfig, resolve
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.models.build import count_macs
from edgedigits_train.record import DataRecord, PaperRecord, TrainRecord
from edgedigits_train.report.model_plots import draw_filters, draw_reliability
from edgedigits_train.report.page import render
from edgedigits_train.report.plots import draw_confusion, draw_curves, draw_mistakes, draw_samples
from edgedigits_train.scenes.pool import Pool, require_mnist_digits
from edgedigits_train.scenes.pool_cache import cached_pool
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import EpochResult, Progress
from edgedigits_train.training.distillation import file_sha256, sharpen
from edgedigits_train.training.evaluation import predict, score, score_paper
from edgedigits_train.training.loop import learning_rates, new_model, train_epochs

MODEL = "model.keras"
REPORT = "report.html"
PLOTS = ("samples.png", "curves.png", "confusion.png", "mistakes.png", "reliability.png", "filters.png")
# Runs of every seed share one pool: making it takes minutes, and the teacher's outputs are cached for its images.
_POOL_SEED = 0

OnEpoch = Callable[[EpochResult, TrainConfig], None]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: with its configuration alone, or with the progress of a run that was stopped."""

    config: TrainConfig
    progress: Progress | None


def find_start(folder: Path, given: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Start:
    """Return where the run in ``folder`` begins; nothing is written.

    ``given`` holds the options that the user named. A resumed run takes all others from its checkpoint. Without a
    checkpoint it starts from the beginning.

    Raises
    ------
    OutputError: the folder exists and neither ``resume`` nor ``overwrite`` is set, or ``folder`` is a file.
    UsageError: an option has an impossible value, or differs from the resumed run's.

    """
    if not resume:
        refuse_existing(folder, overwrite=overwrite)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: expected a folder, found a file; name another place")
    if not resume:
        return Start(resolve(given), None)
    if (folder / record.NAME).exists():
        raise UsageError(f"{folder}: this run is finished, there is nothing to resume; see its {record.NAME}")
    progress = checkpoint.read_progress(folder)
    if progress is None:
        return Start(resolve(given), None)
    progress.config.require_same(given)
    return Start(progress.config, progress)


def train(folder: Path, start: Start, on_epoch: OnEpoch) -> TrainRecord:
    """Train and evaluate a model, write the run's folder and return its record.

    train.json is written last, so its presence means that the run is finished. ``on_epoch`` is called after each
    epoch, when the epoch's checkpoint is on the disk.

    Raises
    ------
    DatasetError: the data cannot be read.
    UsageError: the data changed since the run was started, or the configuration cannot be trained.
    OutputError: the folder cannot be written.

    """
    began = time.perf_counter()
    config = start.config
    backend.set_up(config.threads)
    splits = load_splits(config.data, read_pixels, keras_loader=keras.datasets.mnist.load_data)
    described = record.describe_data(splits)
    origin = _origin(config, described)
    require_same_inputs(start, origin)
    pools = _make_pools(splits, config) if config.paper else None
    training_set = TrainingSet.of(splits.train, pools.train if pools else None, config.label_smoothing)
    model, history = _begin(folder, start, training_set, origin)
    for result in train_epochs(model, training_set, splits.validation, config, len(history)):
        history = (*history, result)
        checkpoint.save_checkpoint(folder, model, Progress(config, origin, history))
        on_epoch(result, config)
    return _finish(folder, model, splits, described, Progress(config, origin, history), pools, began)


def _origin(config: TrainConfig, described: DataRecord) -> str:
    """Return one hash of what the weights come from besides the configuration: the data, and the teacher's file."""
    if config.teacher is None:
        return described.sha256
    return hashlib.sha256((described.sha256 + file_sha256(config.teacher)).encode()).hexdigest()


def require_same_inputs(start: Start, origin: str) -> None:
    """Refuse to resume a run whose data or teacher has changed; ``origin`` is their hash now."""
    if start.progress and start.progress.origin != origin:
        sources = " or ".join(filter(None, (start.config.data, start.config.teacher)))
        raise UsageError(f"--resume: {sources} is not what this run was started with; start a new run")


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
    folder: Path, start: Start, training_set: TrainingSet, origin: str
) -> tuple[keras.Model, tuple[EpochResult, ...]]:
    """Return the model and its finished epochs, from the checkpoint or fresh; a fresh run replaces an older one."""
    if start.progress:
        return checkpoint.load_checkpoint(folder), start.progress.history
    model = new_model(start.config, training_set)
    clear_folder(folder)
    checkpoint.save_checkpoint(folder, model, Progress(start.config, origin, ()))
    return model, ()


def _finish(
    folder: Path,
    model: keras.Model,
    splits: Splits,
    described: DataRecord,
    progress: Progress,
    pools: PaperPools | None,
    began: float,
) -> TrainRecord:
    """Write the files of a finished run and return its record; the test images are looked at here and nowhere else."""
    config = progress.config
    if config.teacher:
        sharpen(model, config.temperature)
    checkpoint.save_plain(folder / MODEL, model)
    test_outputs = predict(model, splits.test.images)
    finished = TrainRecord(
        schema=record.SCHEMA,
        config=config,
        versions=backend.versions(),
        data=described,
        parameters=model.count_params(),
        macs=count_macs(model),
        history=progress.history,
        validation=score(predict(model, splits.validation.images), splits.validation),
        test=score(test_outputs, splits.test),
        paper=_describe_paper(model, pools) if pools else None,
        teacher_sha256=file_sha256(config.teacher) if config.teacher else None,
        seconds={
            "epochs": sum(epoch.seconds for epoch in progress.history),
            **({"paper": pools.seconds} if pools else {}),
            "process": time.perf_counter() - began,
        },
    )
    plots = _draw_plots(finished, model, splits, test_outputs, pools)
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


def clear_folder(folder: Path) -> None:
    """Create the folder and delete an older run's files, the record first; all other files stay."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (record.NAME, checkpoint.NAME, MODEL, REPORT, *PLOTS):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error
