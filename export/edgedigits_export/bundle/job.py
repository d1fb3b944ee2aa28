"""The typed requests of export: what the user chose, and the same with model and data read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.datasets import Dataset
from edgedigits.manifest import SUFFIXES, Preprocessing, Task
from edgedigits_export.bundle.calibration import Calibration
from edgedigits_export.convert.variants import Variant
from edgedigits_export.keras_model.calibrated import CalibratedModel
from edgedigits_export.keras_model.frozen import Scaling

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What the user chose; nothing has been read yet.

    Attributes
    ----------
    model: a ``.keras`` file.
    scaling: what happens to raw pixels before that model.
    data: ``mnist``, a folder of label folders, or an ``.npz`` file.
    calibration_samples: the number of training images that set the ranges of int8 files.
    seed: seed of the choice of calibration and golden images.
    labels: a text file with one label a line; None takes the labels of the data.
    name: the model's name in the bundle; None takes it from the training record or the file.
    keep_reference: whether the bundle holds Keras' outputs for the reference images.

    """

    model: Path
    scaling: Scaling
    data: str
    variants: tuple[Variant, ...]
    opset: int
    calibration_samples: int
    seed: int
    labels: Path | None
    name: str | None
    keep_reference: bool


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A model and its data, ready for the four steps of export.

    Attributes
    ----------
    calibration: the training images that set the ranges of int8 files.
    calibration_sha256: hash of the data set that they were chosen from.
    golden_pool: the training images that golden inputs are chosen from.
    validation: the images that the gates judge on.
    reference: the images that accuracy and parity are reported on; nothing is decided by them.
    training: the trainer's record, or None.

    """

    name: str
    task: Task
    model: CalibratedModel
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    variants: tuple[Variant, ...]
    opset: int
    calibration: Calibration
    calibration_sha256: str
    golden_pool: Dataset
    validation: Dataset
    reference: Dataset
    training: dict[str, Any] | None
    seed: int
    keep_reference: bool

    def file_name(self, variant: Variant) -> str:
        """Return the name of a variant's file in the bundle."""
        return f"{self.name}-{variant.precision}{SUFFIXES[variant.format]}"
