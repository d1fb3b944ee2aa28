"""Prepare an export: read the model, its data, labels and training record, and calibrate the model's confidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from edgedigits.datasets import Dataset, Splits, load_splits, match_labels
from edgedigits.errors import DatasetError, UsageError
from edgedigits.images.resize import read_resized
from edgedigits.manifest import Confidence, Preprocessing, Task
from edgedigits.model import is_model_file
from edgedigits.parts import Progress, silent
from edgedigits.training_record import read_training_record
from edgedigits_export.bundle.calibration import Calibration, choose_calibration
from edgedigits_export.bundle.finished import open_finished
from edgedigits_export.bundle.job import ExportedModel, ExportJob, ExportRequest, FinishedFile
from edgedigits_export.bundle.judging import choose_judging, halve
from edgedigits_export.bundle.labels import choose_labels
from edgedigits_export.bundle.naming import default_name
from edgedigits_export.bundle.preprocessing import choose_preprocessing, look_like_digits
from edgedigits_export.bundle.scaling_check import AskedModel, require_likeliest, require_raw_pixels, rivals_of
from edgedigits_export.convert.memory import keep_no_blocks
from edgedigits_export.convert.onnx import require_opset
from edgedigits_export.convert.precision import precision_of
from edgedigits_export.convert.variants import ConvertedFile, Variant
from edgedigits_export.keras_model.calibrated import calibrate_in_place, uncalibrated
from edgedigits_export.keras_model.frozen import freeze, freeze_locator
from edgedigits_export.keras_model.inspect import is_locator
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.keras_model.model_files import is_saved_model
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import load

LOCATOR_LABELS = (*"0123456789", "mark")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is different for a classifier, a locator and a finished file."""

    task: Task
    model: ExportedModel
    confidence: Confidence
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    splits: Splits
    calibration: Calibration
    variants: tuple[Variant, ...]
    training: dict[str, Any] | None = None
    finished: FinishedFile | None = None


def prepare_job(request: ExportRequest, progress: Progress, note: Progress = silent) -> ExportJob:
    """Read everything that a request names, and fold the fitted temperature into the model that was read.

    ``note`` is told what the user should know when progress is long forgotten.

    Raises
    ------
    EdgeDigitsError: a file that cannot be read, or model, data and labels that do not fit each other.

    """
    require_opset(request.opset)
    finished = is_model_file(request.model)
    _refuse_useless(request, finished=finished)
    if finished:
        found = _prepare_finished(request, progress, note)
    else:
        keep_no_blocks()
        if is_saved_model(request.model):
            note("note: a SavedModel is converted from its serving signature: no temperature, no report by layer")
        keras_model = load_keras(request.model, request.custom_objects)
        training = read_training_record(request.model, keras_model.count_params())
        if is_locator(keras_model):
            found = _prepare_locator(keras_model, request, training)
        else:
            found = _prepare_classifier(keras_model, request, training, progress, note)
    choosing, confirming = halve(found.splits, found.calibration)
    return ExportJob(
        name=request.name or default_name(request.model, found.training),
        task=found.task,
        model=found.model,
        confidence=found.confidence,
        labels=found.labels,
        preprocessing=found.preprocessing,
        variants=found.variants,
        finished=found.finished,
        opset=request.opset,
        calibration=found.calibration,
        calibration_sha256=found.splits.train.sha256(),
        golden_pool=found.splits.train,
        validation=found.splits.validation,
        judging=choose_judging(found.splits, found.calibration),
        choosing=choosing,
        confirming=confirming,
        reference=found.splits.test,
        training=found.training,
        gate=request.gate,
        seed=request.seed,
        keep_reference=request.keep_reference,
        # The limits for what ships are for files as they are made, a locator's are about places, and a finished file
        # is not touched.
        repair=None if finished or found.task == "locate" or request.gate.name == "shipped" else request.repair,
    )


def _refuse_useless(request: ExportRequest, *, finished: bool) -> None:
    """Refuse an option that would do nothing to the model that it stands beside."""
    if not finished and request.layout is not None:
        raise UsageError("--layout: is for finished files, a Keras model's axes are known; leave it out")
    if finished and request.custom_objects is not None:
        raise UsageError("--custom-objects: is for Keras models, a finished file is whole; leave it out")
    if finished and request.input_size is not None:
        raise UsageError("--input-size: is for Keras models, a finished file has its size; leave it out")


def _prepare_locator(keras_model: Any, request: ExportRequest, training: dict[str, Any] | None) -> _Prepared:
    frozen = freeze_locator(keras_model)
    splits = read_splits(request.data, frozen.input_shape)
    why = "a locator's probabilities are not calibrated"
    return _Prepared(
        task="locate",
        model=frozen,
        confidence=Confidence(1.0, splits.validation.source, len(splits.validation), 0.0, 0.0, 0.0, 0.0, why),
        labels=LOCATOR_LABELS,
        preprocessing=Preprocessing("contrast/1", None, {}),
        splits=splits,
        calibration=choose_calibration(splits.train, request.calibration_samples, request.seed),
        variants=request.variants,
        training=training,
    )


def _prepare_classifier(
    keras_model: Any, request: ExportRequest, training: dict[str, Any] | None, progress: Progress, note: Progress
) -> _Prepared:
    frozen = freeze(keras_model, request.scaling, request.input_size, progress)
    found = _look_at_data(request, frozen, training, note)
    if training is None or request.labels:  # what the trainer made takes raw pixels and knows its labels
        progress("asking the model about scaling and labels")
        said = Scaling() if frozen.takes_bytes else request.scaling
        asked = found.splits.train.take(found.calibration.indices)
        check_fit(frozen, said, asked, with_scale=request.scale_was_said)
    progress("fitting the temperature of its confidence")
    calibrated = calibrate_in_place(frozen, found.splits.validation)
    return _Prepared(
        "classify", calibrated.frozen, calibrated.confidence, found.labels, found.preprocessing, found.splits,
        found.calibration, request.variants, training,
    )  # fmt: skip


def _prepare_finished(request: ExportRequest, progress: Progress, note: Progress) -> _Prepared:
    model, file = open_finished(request.model, request.scaling or Scaling(), request.layout)
    found = _look_at_data(request, model, None, note)
    progress("asking the file about scaling and labels")
    asked = found.splits.train.take(found.calibration.indices)
    check_fit(model, request.scaling, asked, with_scale=request.scale_was_said)
    variant = Variant(precision_of(file.data, file.format), file.format)
    finished = FinishedFile(ConvertedFile(variant, file.data), model.wrapping, f"{model.engine} {model.version}")
    why = "the file is finished, and nothing in it was changed"
    confidence = uncalibrated(model.predict(found.splits.validation.images), found.splits.validation, why)
    return _Prepared(
        "classify", model, confidence, found.labels, found.preprocessing, found.splits, found.calibration, (variant,),
        finished=finished,
    )  # fmt: skip


class _Looked(NamedTuple):
    """What the data tell of a classifier."""

    labels: tuple[str, ...]
    splits: Splits
    preprocessing: Preprocessing
    calibration: Calibration


def _look_at_data(
    request: ExportRequest, model: ExportedModel, training: dict[str, Any] | None, note: Progress
) -> _Looked:
    read = read_splits(request.data, model.input_shape)
    labels = choose_labels(request.labels, training, read.train, model.classes)
    splits = Splits(*(match_labels(part, labels) for part in (read.train, read.validation, read.test)))
    preprocessing = choose_preprocessing(request.preprocess, training, labels)
    calibration = choose_calibration(splits.train, request.calibration_samples, request.seed)
    if request.preprocess is None and preprocessing.id == "resize/1" and look_like_digits(splits.train):
        note(
            "note: these look like digits; if the model was trained on digits in MNIST's form, --preprocess digit "
            "finds them in photographs and refuses what is none"
        )
    return _Looked(labels, splits, preprocessing, calibration)


def read_splits(place: str, input_shape: tuple[int, int, int]) -> Splits:
    """Read labelled images of a model's size ``(H, W, C)``; pictures in folders are resized to it.

    Raises
    ------
    DatasetError: there is no such data, or its images have another size.

    """

    def keras_mnist() -> Any:
        return load("keras").datasets.mnist.load_data()

    splits = load_splits(place, partial(read_resized, shape=input_shape), keras_loader=keras_mnist)
    found = splits.train.images.shape[1:]
    if found != input_shape:
        raise DatasetError(
            f"{place}: expected images {list(input_shape)} for this model, found {list(found)}; "
            "give data of the model's size"
        )
    return splits


def check_fit(model: AskedModel, said: Scaling | None, data: Dataset, *, with_scale: bool) -> None:
    """Raise where the labelled images say that a model, the scaling that was said, and the labels do not fit together.

    ``with_scale`` is whether the factor was said, and not the mean and the deviation alone.

    Raises
    ------
    UsageError: see `require_raw_pixels` and `require_likeliest`.

    """
    if said is None:
        require_raw_pixels(model, data)
    elif said == Scaling():  # never questioned
        require_likeliest(model, (), data)
    else:
        require_likeliest(model, rivals_of(said, model.input_shape[-1], with_scale=with_scale), data)
