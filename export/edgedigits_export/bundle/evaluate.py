"""Evaluate converted files: run each one in its engine, and compare its outputs with those of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import EdgeDigitsError, InputError, ModelRejectedError
from edgedigits.manifest import Accuracy, LeftOut, Repair, TensorInfo
from edgedigits.parts import Progress
from edgedigits.scratch import ScratchFolder
from edgedigits.verification.compare import Comparison, accuracy_of
from edgedigits.verification.gates import GateVerdict, exit_code_of, judge_variant
from edgedigits.verification.golden import tolerance_of
from edgedigits.verification.inference import infer_isolated
from edgedigits_export.bundle.golden import GoldenInputs, choose_golden_inputs
from edgedigits_export.bundle.job import ExportJob
from edgedigits_export.bundle.keras_reference import KerasReference, expected_of
from edgedigits_export.bundle.label_order import nearly_guessed
from edgedigits_export.bundle.reference_engines import GoldenOutputs, run_reference_engines
from edgedigits_export.bundle.repair import Repaired, Repairer
from edgedigits_export.convert.variants import ConvertedFile
from edgedigits_export.convert.worker import ENGINES

_REFUSED = "take another precision, or leave this one out with --variants"


@dataclass(frozen=True, slots=True)
class FileEvaluation:
    """How one converted file computes in its engine.

    Attributes
    ----------
    name: the file's name in the bundle.
    engine, version: the engine that ran the file, and its release.
    image, probabilities: the file's input and output as that engine has them.
    comparison: its outputs against those of Keras on the reference images.
    judged: the same on the images that judge.
    verdict: the gate's verdict on that.
    golden: the outputs of every reference engine for the golden inputs.
    differing: one sentence for each engine whose outputs for them differ by more than rounding.
    repair: how the file was repaired; None where that was not needed.

    """

    name: str
    converted: ConvertedFile
    engine: str
    version: str
    image: TensorInfo
    probabilities: TensorInfo
    comparison: Comparison
    judged: Comparison
    verdict: GateVerdict
    golden: GoldenOutputs
    differing: tuple[str, ...]
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class ExportEvaluation:
    """How the converted files and Keras itself compute.

    Attributes
    ----------
    keras_reference: what Keras says of the reference images.
    keras_judging: Keras' accuracy on the images that judge.
    nearly_guessed: the accuracy on them up to which it is hardly better than a guess (see `label_order`).

    """

    golden_inputs: GoldenInputs
    files: tuple[FileEvaluation, ...]
    left_out: tuple[LeftOut, ...]
    keras_reference: KerasReference
    keras_judging: Accuracy
    nearly_guessed: float

    @property
    def near_chance(self) -> bool:
        """Whether Keras is hardly better than predicting the commonest label: then the data are not the model's.

        A locator is right where Keras finds something, whatever that is, and is never near chance.
        """
        return self.keras_reference.places is None and self.keras_judging.ci95[0] <= self.nearly_guessed

    def exit_code(self, *, strict: bool) -> int:
        """Return 1 if a gate failed, a variant is missing, or Keras is near chance; 4 for too few images, if strict."""
        verdicts = [file.verdict for file in self.files]
        return 1 if self.near_chance or self.left_out else exit_code_of(verdicts, strict=strict)


@dataclass(frozen=True, slots=True)
class _Setup:
    """What every file is run on, and what Keras says of it.

    Attributes
    ----------
    images: golden, reference and judging images, uint8 ``[N, H, W, C]``: one array, because each run is a process.
    starts: the rows where the reference images and where the judging images begin.
    reference, judging: what Keras says of these two parts.

    """

    images: NDArray[np.uint8]
    starts: tuple[int, int]
    reference: KerasReference
    judging: KerasReference


def evaluate_files(
    job: ExportJob,
    converted: Sequence[ConvertedFile],
    left_out: Sequence[LeftOut],
    progress: Progress,
    repairer: Repairer | None = None,
) -> ExportEvaluation:
    """Run every file on golden, reference and judging images, and compare its outputs with those of Keras.

    A file that its engine refuses is left out, as those are that could not be converted. An integer file outside the
    margin is repaired where there is a ``repairer``; what it finds is judged on other images than it chose on.

    Raises
    ------
    InputError: Keras' own outputs are not numbers.
    ModelRejectedError: no file is left.

    """
    model = job.model
    golden = choose_golden_inputs(job.golden_pool, model.predict, model.input_shape, job.preprocessing.id, job.seed)
    usual = _set_up(job, golden, job.judging)
    files, missing = [], list(left_out)
    with ScratchFolder() as folder:
        for file in converted:
            path = Path(folder, job.file_name(file.variant))
            progress(f"running {path.name}")
            path.write_bytes(file.data)
            try:
                found = _evaluate_file(job, file, path, usual, progress)
            except EdgeDigitsError as error:
                missing.append(LeftOut(file.variant.name, str(error), _REFUSED))
                continue
            if repairer and repairer.needs_repair(file, found.judged, found.verdict.outcome):
                found = _evaluate_repaired(job, repairer.repair(file), path, found, golden, progress)
            files.append(found)
    if not files:
        reasons = "; ".join(f"{one.variant}: {one.reason}" for one in missing)
        raise ModelRejectedError(f"{job.name}: expected a variant that converts and runs, found none ({reasons})")
    return ExportEvaluation(
        golden_inputs=golden,
        files=tuple(files),
        left_out=tuple(missing),
        keras_reference=usual.reference,
        keras_judging=accuracy_of(usual.judging.probabilities, usual.judging.labels),
        nearly_guessed=nearly_guessed(usual.judging.labels),
    )


def _set_up(job: ExportJob, golden: GoldenInputs, judging: Dataset) -> _Setup:
    images = np.concatenate([golden.images, job.reference.images, judging.images])
    starts = len(golden.images), len(golden.images) + len(job.reference)
    _, reference, of_judging = np.split(_keras_outputs(job, images), starts)
    return _Setup(images, starts, expected_of(job, reference, job.reference), expected_of(job, of_judging, judging))


def _evaluate_repaired(
    job: ExportJob,
    repaired: Repaired,
    path: Path,
    before: FileEvaluation,
    golden: GoldenInputs,
    progress: Progress,
) -> FileEvaluation:
    if not repaired.record.found:
        return replace(before, repair=repaired.record)
    path.write_bytes(repaired.file.data)
    found = _evaluate_file(job, repaired.file, path, _set_up(job, golden, job.confirming), progress)
    return replace(found, repair=repaired.record)


def _keras_outputs(job: ExportJob, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    outputs = job.model.predict(images)
    if bad := int((~np.isfinite(outputs.reshape(len(outputs), -1))).any(axis=1).sum()):
        raise InputError(
            f"{job.name}: expected probabilities, found NaN in Keras' outputs for {bad} of {len(outputs)} images; "
            "train the model again"
        )
    return outputs


def _evaluate_file(
    job: ExportJob, file: ConvertedFile, path: Path, setup: _Setup, progress: Progress
) -> FileEvaluation:
    precision, format_ = file.variant
    infer = partial(
        infer_isolated,
        path,
        wrapping=job.finished.wrapping if job.finished else None,
        progress=lambda done: progress(f"{path.name}: {done}"),
    )
    run = infer(ENGINES[format_], setup.images)
    of_golden, of_reference, of_judging = np.split(run.probabilities, setup.starts)
    temperature = job.confidence.temperature
    judged = setup.judging.compare(of_judging, temperature)
    golden_run, golden_images = replace(run, probabilities=of_golden), setup.images[: len(of_golden)]
    tolerance = tolerance_of(job.task, precision, job.model.classes)
    golden, differing = run_reference_engines(
        golden_run, format_, tolerance, lambda engine: infer(engine, golden_images)
    )
    return FileEvaluation(
        name=path.name,
        converted=file,
        engine=run.engine,
        version=run.version,
        image=run.image,
        probabilities=run.output,
        comparison=setup.reference.compare(of_reference, temperature),
        judged=judged,
        verdict=judge_variant(precision, judged, job.task, job.gate),
        golden=golden,
        differing=differing,
    )
