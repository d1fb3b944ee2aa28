"""Prepare an export: read the model, its data, labels and training record, and calibrate the model's confidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import LOCATOR_BUNDLE, Bundle
from edgedigits.datasets import Dataset, Splits, load_splits
from edgedigits.errors import DatasetError, UsageError
from edgedigits.images.decode import read_pixels
from edgedigits.images.judge import PARAMETERS
from edgedigits.images.pipeline import pipeline_for
from edgedigits.images.resize import resize
from edgedigits.manifest import Confidence, Preprocessing, Task
from edgedigits_export.bundle.calibration import choose_calibration
from edgedigits_export.bundle.job import ExportJob, ExportRequest, Progress
from edgedigits_export.keras_model.calibrated import CalibratedModel, calibrate_in_place
from edgedigits_export.keras_model.frozen import freeze, freeze_locator
from edgedigits_export.keras_model.inspect import is_locator, load_keras
from edgedigits_export.lazy_imports import load

LOCATOR_LABELS = (*"0123456789", "mark")


def prepare_job(request: ExportRequest, progress: Progress) -> ExportJob:
    """Read everything that a request names, and fold the fitted temperature into the model that was read.

    Raises
    ------
    EdgeDigitsError: a file that cannot be read, or model, data and labels that do not fit each other.

    """
    keras_model = load_keras(request.model)
    frozen = freeze_locator(keras_model) if is_locator(keras_model) else freeze(keras_model, request.scaling)
    splits = read_splits(request.data, frozen.input_shape)
    training = read_training_record(request.model)
    calibration = choose_calibration(splits.train, request.calibration_samples, request.seed)
    if frozen.any_size:
        task: Task = "locate"
        model, labels = CalibratedModel(frozen, _not_calibrated(splits.validation)), LOCATOR_LABELS
        preprocessing = Preprocessing("contrast/1", None, {})
    else:
        task, labels = "classify", read_labels(request.labels, splits.train, frozen.classes)
        progress("fitting the temperature of its confidence")
        model = calibrate_in_place(frozen, splits.validation)
        preprocessing = preprocessing_for(frozen.input_shape, labels)
    return ExportJob(
        name=request.name or default_name(request.model, training),
        task=task,
        model=model,
        labels=labels,
        preprocessing=preprocessing,
        variants=request.variants,
        opset=request.opset,
        calibration=calibration,
        calibration_sha256=splits.train.sha256(),
        golden_pool=splits.train,
        validation=splits.validation,
        reference=splits.test,
        training=training,
        seed=request.seed,
        keep_reference=request.keep_reference,
    )


def read_splits(place: str, input_shape: tuple[int, int, int]) -> Splits:
    """Read labelled images of a model's size ``(H, W, C)``; pictures in folders are resized to it.

    Raises
    ------
    DatasetError: there is no such data, or its images have another size.

    """
    height, width, channels = input_shape

    def keras_mnist() -> Any:
        return load("keras").datasets.mnist.load_data()

    def resized(path: Path) -> NDArray[np.uint8]:
        return resize(read_pixels(path, channels), height, width)

    splits = load_splits(place, resized, keras_loader=keras_mnist)
    found = splits.train.images.shape[1:]
    if found != input_shape:
        raise DatasetError(
            f"{place}: expected images {list(input_shape)} for this model, found {list(found)}; "
            "give data of the model's size"
        )
    return splits


def read_labels(file: Path | None, data: Dataset, classes: int) -> tuple[str, ...]:
    """Read one label a line from ``file``, or take those of ``data``, and hold them against data and model.

    Raises
    ------
    UsageError: the file cannot be read, or its labels are not one for each class in the order of the data.

    """
    labels, origin = data.names, data.source
    if file is not None:
        try:
            labels, origin = tuple(filter(None, map(str.strip, file.read_text().splitlines()))), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: expected a text file with one label a line, found: {error}") from error
    if labels != data.names and sorted(labels) == sorted(data.names):
        raise UsageError(
            f"{origin}: expected the labels in the data's order, {', '.join(data.names[:3])}, found "
            f"{', '.join(labels[:3])}; label numbers count in the order of {data.source}"
        )
    if len(labels) != classes:
        raise UsageError(
            f"{origin}: expected {classes} labels, one for each class, found {len(labels)}; "
            "name a file that lists them with --labels"
        )
    return labels


def read_training_record(model: Path) -> dict[str, Any] | None:
    """Read the trainer's record beside a ``.keras`` file; None where there is none.

    The history of epochs is left out for its size, and the duration because another run would not repeat it.
    """
    for file in (model.with_suffix(".train.json"), model.with_name("train.json")):
        try:
            record = dict(json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            continue
        return {key: value for key, value in record.items() if key not in {"history", "seconds"}}
    return None


def default_name(model: Path, training: dict[str, Any] | None) -> str:
    """Return a model's name as its training record has it, or as its file or folder has it."""
    recorded = (training or {}).get("config", {}).get("model")
    stem = recorded or (model.resolve().parent.name if model.stem == "model" else model.stem)
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in stem).lstrip("-") or "model"


def preprocessing_for(input_shape: tuple[int, int, int], labels: Sequence[str]) -> Preprocessing:
    """Return how pictures become the model's pixels: digits are located, other images are resized."""
    steps = pipeline_for(input_shape, labels)
    if steps == "digit/2":
        return Preprocessing(steps, Bundle.load(LOCATOR_BUNDLE).id, dict(PARAMETERS))
    return Preprocessing(steps, None, {})


def _not_calibrated(data: Dataset) -> Confidence:
    return Confidence(1.0, data.source, len(data), 0.0, 0.0, 0.0, 0.0, "a locator's probabilities are not calibrated")
