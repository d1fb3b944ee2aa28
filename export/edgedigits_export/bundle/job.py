"""What is to be exported, and what came of it: the types that flow from the command to the bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgedigits.datasets import Dataset
from edgedigits.images.pipeline import pipeline_for
from edgedigits.images.rejection import DIGIT_PARAMETERS
from edgedigits.manifest import SUFFIXES, Accuracy, Confidence, Format, ModelFile, Preprocessing
from edgedigits.verification.compare import Comparison
from edgedigits.verification.gates import GateVerdict
from edgedigits_export.bundle.calibration import Calibration
from edgedigits_export.keras_model.frozen import FrozenModel

ONNX_PRECISIONS = ("float32", "int8")
# Of what a guess leaves wrong, the share that a model has to get right to be told from chance.
SLIGHT = 0.2
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ExportJob:
    """What to export, from what, and the data that belong to it.

    Attributes
    ----------
    frozen: the model, its temperature folded in; confidence: which, and what came of it.
    calibration: training images that set the int8 ranges.
    golden_pool: training images from which golden inputs are chosen.
    validation: what the gates judge on.
    reference: what accuracy and parity are reported on; nothing is decided by it.
    training: the trainer's record, or None.

    """

    name: str
    frozen: FrozenModel
    confidence: Confidence
    labels: tuple[str, ...]
    variants: tuple[tuple[str, Format], ...]
    opset: int
    calibration: Calibration
    calibration_sha256: str
    golden_pool: Dataset
    validation: Dataset
    reference: Dataset
    training: dict[str, Any] | None
    seed: int
    keep_reference: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """One file of the finished bundle: on the reference images, and what the gate says of it on validation."""

    file: ModelFile
    comparison: Comparison
    verdict: GateVerdict


@dataclass(frozen=True, slots=True)
class Written:
    """A finished bundle.

    Attributes
    ----------
    keras: Keras' own accuracy on validation.
    guess: the accuracy there of always saying the commonest label.

    """

    exported: tuple[Exported, ...]
    keras: Accuracy
    guess: float

    @property
    def blind(self) -> bool:
        """Whether Keras itself does hardly better than the guess: these images or labels are not the model's.

        Of what a guess leaves, at most a fifth may be chance or a few easy classes: "slight agreement" of J. Landis and
        G. Koch, "The measurement of observer agreement for categorical data", Biometrics 33 (1977).
        """
        return self.keras.ci95[0] <= self.guess + SLIGHT * (1 - self.guess)

    @property
    def exit_code(self) -> int:
        """1 when a gate failed, 4 when the validation images are too few for one to tell."""
        return max(int(self.blind), *(one.verdict.exit_code for one in self.exported))


def file_name(model: str, precision: str, format_: Format) -> str:
    """The name of a variant's file in the bundle."""
    return f"{model}-{precision}{SUFFIXES[format_]}"


def pipeline(plan: ExportJob) -> Preprocessing:
    """How pictures become the model's pixels: digits are normalised, anything else is resized."""
    steps = pipeline_for(plan.frozen.input_shape)
    return Preprocessing(steps, dict(DIGIT_PARAMETERS) if steps == "digit/1" else {})
