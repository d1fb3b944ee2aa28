"""The typed requests of export: what the user chose, and the same with model and data read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.manifest import SUFFIXES, Confidence, GateChoice, Preprocessing, Task
from edgedigits.wrapping import Wrapping
from edgedigits_export.bundle.calibration import Calibration
from edgedigits_export.bundle.preprocessing import Steps
from edgedigits_export.compat.runs_on import Target
from edgedigits_export.convert.variants import ConvertedFile, Variant
from edgedigits_export.keras_model.scaling import Scaling


@dataclass(frozen=True, slots=True)
class RepairChoice:
    """How integer files that lose more than the margin are repaired.

    Attributes
    ----------
    runs_on: the boards and engines that a repaired file has to run on.
    measure: whether the latency of each candidate is measured here, and decides which is the cheapest.

    """

    runs_on: tuple[Target, ...]
    measure: bool


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What the user chose; nothing has been read yet.

    Attributes
    ----------
    model: a Keras model as a file or the folder of a SavedModel, or a finished .tflite or .onnx file.
    custom_objects: a Python file that defines what is not Keras' own in that model, or None; it is run.
    layout: the order of a finished file's axes; None where they tell themselves.
    input_size: height and width of images for a model that leaves them free, or None.
    scaling: what happens to raw pixels before that model; None where nothing was said, so that the data have to tell.
    scale_was_said: whether the scaling has its factor from the user.
    preprocess: the pipeline for pictures, ``digit`` or ``resize``; None where the training decides.
    data: ``mnist``, a folder of label folders, or an ``.npz`` file.
    calibration_samples: the number of training images that set the ranges of int8 files.
    seed: seed of the choice of calibration and golden images.
    labels: a text file with one label a line; None takes the labels of the data.
    name: the model's name in the bundle; None takes it from the training record or the file.
    keep_reference: whether the bundle holds Keras' outputs for the reference images.
    repair: None where files outside the margin stay as they are.

    """

    model: Path
    custom_objects: Path | None
    input_size: tuple[int, int] | None
    layout: Literal["NHWC", "NCHW"] | None
    scaling: Scaling | None
    scale_was_said: bool
    preprocess: Steps | None
    gate: GateChoice
    data: str
    variants: tuple[Variant, ...]
    opset: int
    calibration_samples: int
    seed: int
    labels: Path | None
    name: str | None
    keep_reference: bool
    repair: RepairChoice | None


class ExportedModel(Protocol):
    """What the steps of export ask of a model; `FrozenModel` and `FinishedModel` both answer."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """``(H, W, C)`` of the images."""

    @property
    def classes(self) -> int:
        """The length of its vector of class scores."""

    @property
    def scaling(self) -> Scaling:
        """The scaling of raw pixels before it."""

    @property
    def parameters(self) -> int | None:
        """The count of its weights; None where that is not known."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return its outputs for raw images uint8 ``[N, H, W, C]``, of a classifier float32 ``[N, classes]``."""


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A finished file that is wrapped as it is: its bytes, what is done around it, and the engine whose answers count.

    Attributes
    ----------
    engine: the engine's name and release.

    """

    file: ConvertedFile
    wrapping: Wrapping
    engine: str


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A model and its data, ready for the four steps of export.

    Attributes
    ----------
    confidence: the temperature in the model's weights, and how it was found.
    finished: the file that is wrapped as it is; None where the model is converted to all ``variants``.
    calibration: the training images that set the ranges of int8 files.
    calibration_sha256: hash of the data set that they were chosen from.
    golden_pool: the training images that golden inputs are chosen from.
    validation: the images that choose a temperature.
    judging: the images that the gate judges on.
    choosing, confirming: two disjoint parts of the images that did not calibrate: candidates of a repair are judged on
        the one, the file that was chosen is judged on the other, once.
    reference: the images that accuracy and parity are reported on; nothing is decided by them.
    training: the trainer's record, or None.

    """

    name: str
    task: Task
    model: ExportedModel
    confidence: Confidence
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    variants: tuple[Variant, ...]
    finished: FinishedFile | None
    opset: int
    calibration: Calibration
    calibration_sha256: str
    golden_pool: Dataset
    validation: Dataset
    judging: Dataset
    choosing: Dataset
    confirming: Dataset
    reference: Dataset
    training: dict[str, Any] | None
    gate: GateChoice
    seed: int
    keep_reference: bool
    repair: RepairChoice | None

    def file_name(self, variant: Variant) -> str:
        """Return the name of a variant's file in the bundle."""
        return f"{self.name}-{variant.precision}{SUFFIXES[variant.format]}"
