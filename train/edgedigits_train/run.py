"""One run: from a configuration to a folder with the model, its record and its pictures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edgedigits.datasets import Splits, load_splits
from edgedigits.errors import OutputError, UsageError
from edgedigits.files import refuse_existing, write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits_train import record
from edgedigits_train.config import TrainConfig, resolve
from edgedigits_train.data.training_set import Material
from edgedigits_train.models.build import count_macs, without_background
from edgedigits_train.record import DataRecord, PaperRecord, TrainRecord
from edgedigits_train.report.model_plots import draw_filters, draw_reliability
from edgedigits_train.report.page import render
from edgedigits_train.report.plots import draw_confusion, draw_curves, draw_mistakes, draw_samples
from edgedigits_train.synthetic.pool import Pool, refuse_other_data
from edgedigits_train.synthetic.pool_cache import kept_pool
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import EpochResult, Progress
from edgedigits_train.training.distillation import file_sha256, sharpen
from edgedigits_train.training.evaluation import predict, score, score_paper
from edgedigits_train.training.loop import learning_rates, new_model, train_epochs

MODEL = "model.keras"
# One pool for every seed: it takes minutes to make, and with others a teacher's answers could not be kept.
_POOL_SEED = 0
PAGE = "report.html"
PICTURES = ("samples.png", "curves.png", "confusion.png", "mistakes.png", "reliability.png", "filters.png")

OnEpoch = Callable[[EpochResult, TrainConfig], None]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: with the configuration alone, or after some epochs."""

    config: TrainConfig
    progress: Progress | None


def find_start(folder: Path, given: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Start:
    """Settle what is to be trained, before any work is done.

    ``given`` holds the options the user named. A resumed run takes the others from its checkpoint; where no
    checkpoint was written yet it starts from the beginning.

    Raises
    ------
    OutputError: the folder exists and neither ``resume`` nor ``overwrite`` is set, or it is a file.
    UsageError: an option that makes no sense, or is not the resumed run's.

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
    progress.config.refuse_other(given)
    return Start(progress.config, progress)


def train(folder: Path, start: Start, on_epoch: OnEpoch) -> TrainRecord:
    """Train, evaluate and write the run's folder; train.json comes last, its presence means a finished run.

    ``on_epoch`` is called after each epoch, when its checkpoint is on the disk.

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
    _refuse_other_run(start, origin)
    paper = _draw_paper(splits, config) if config.paper else None
    material = Material.of(splits.train, paper.train if paper else None, config.label_smoothing)
    model, history = _begin(folder, start, material, origin)
    for result in train_epochs(model, material, splits.validation, config, len(history)):
        history = (*history, result)
        checkpoint.save_checkpoint(folder, model, Progress(config, origin, history))
        on_epoch(result, config)
    return _finish(folder, model, splits, described, Progress(config, origin, history), paper, began)


def _origin(config: TrainConfig, described: DataRecord) -> str:
    """What the weights come from besides the configuration: the hash of the data, and of the teacher's file if any."""
    if config.teacher is None:
        return described.sha256
    return hashlib.sha256((described.sha256 + file_sha256(config.teacher)).encode()).hexdigest()


def _refuse_other_run(start: Start, origin: str) -> None:
    if start.progress and start.progress.origin != origin:
        sources = " or ".join(filter(None, (start.config.data, start.config.teacher)))
        raise UsageError(f"--resume: {sources} is not what this run was started with; start a new run")


@dataclass(frozen=True, slots=True)
class Paper:
    """The pools of one run, ``train`` and ``validation`` drawn from these parts of the data; wall time in seconds."""

    train: Pool
    validation: Pool
    seconds: float


def _draw_paper(splits: Splits, config: TrainConfig) -> Paper:
    began = time.perf_counter()
    for data in (splits.train, splits.validation):
        refuse_other_data(data)
    train, validation = (
        kept_pool(data, seed=_POOL_SEED, side=side, processes=config.threads)
        for side, data in enumerate((splits.train, splits.validation))
    )
    return Paper(train, validation, time.perf_counter() - began)


def _begin(folder: Path, start: Start, material: Material, origin: str) -> tuple[keras.Model, tuple[EpochResult, ...]]:
    """The model to train on, and the epochs it has behind it."""
    if start.progress:
        return checkpoint.load_checkpoint(folder), start.progress.history
    model = new_model(start.config, material)
    _clear(folder)
    checkpoint.save_checkpoint(folder, model, Progress(start.config, origin, ()))
    return model, ()


def _finish(
    folder: Path,
    model: keras.Model,
    splits: Splits,
    described: DataRecord,
    progress: Progress,
    paper: Paper | None,
    began: float,
) -> TrainRecord:
    """Write everything a finished run has; here, and only here, the test part is looked at."""
    config, history = progress.config, progress.history
    if config.teacher:
        sharpen(model, config.temperature)
    model = without_background(model, len(splits.train.names))
    checkpoint.save_plain(folder / MODEL, model)
    answers = predict(model, splits.test.images)
    finished = TrainRecord(
        schema=record.SCHEMA,
        config=config,
        versions=backend.versions(),
        data=described,
        parameters=model.count_params(),
        macs=count_macs(model),
        history=history,
        validation=score(predict(model, splits.validation.images), splits.validation),
        test=score(answers, splits.test),
        paper=_score_paper(model, paper) if paper else None,
        teacher_sha256=file_sha256(config.teacher) if config.teacher else None,
        seconds={
            "epochs": sum(epoch.seconds for epoch in history),
            **({"paper": paper.seconds} if paper else {}),
            "process": time.perf_counter() - began,
        },
    )
    pictures = {
        "samples": draw_samples(splits.train, config.seed, paper.train if paper else None),
        "curves": draw_curves(history, learning_rates(config)),
        "confusion": draw_confusion(finished.test),
        "mistakes": draw_mistakes(splits.test, answers),
        "reliability": draw_reliability(answers, splits.test.labels),
        "filters": draw_filters(model),
    }
    for name, data in pictures.items():
        write_atomic(folder / f"{name}.png", data)
    write_atomic(folder / PAGE, render(finished, pictures).encode())
    write_atomic(folder / record.NAME, record.to_bytes(finished))
    # With the record there it is of no use any more, and three times the model's size.
    with suppress(OSError):
        (folder / checkpoint.NAME).unlink()
    return finished


def _score_paper(model: keras.Model, paper: Paper) -> PaperRecord:
    answers = predict(model, paper.validation.images)
    return PaperRecord(paper.train.counts(), paper.train.sha256(), score_paper(answers, paper.validation))


def _clear(folder: Path) -> None:
    """Make the folder and take an older run's files out, the record first; anything else in it stays."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (record.NAME, checkpoint.NAME, MODEL, PAGE, *PICTURES):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error
