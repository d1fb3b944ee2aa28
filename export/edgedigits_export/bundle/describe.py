"""Describe a bundle: make its manifest and its files' bytes from what was evaluated, without a clock or a disk."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import jsonschema
import numpy as np
from numpy.typing import NDArray

from edgedigits import __version__
from edgedigits.bundle import MANIFEST, MAP_STEPS
from edgedigits.manifest import (
    SCHEMA,
    Adapter,
    Agreement,
    Attachment,
    CalibrationSet,
    Golden,
    Judgement,
    Manifest,
    ModelFile,
    PixelScaling,
    Reference,
    write_manifest,
)
from edgedigits.verification.compare import accuracy_of
from edgedigits.verification.golden import tolerance_of
from edgedigits_export.bundle.evaluate import ExportEvaluation, FileEvaluation
from edgedigits_export.bundle.job import ExportJob
from edgedigits_export.bundle.reference_engines import number_engines
from edgedigits_export.bundle.schema import manifest_schema
from edgedigits_export.compat.requirements import read_requirements

_GOLDEN, _REFERENCE = "golden.npz", "reference.npz"


def onnx_metadata(job: ExportJob) -> dict[str, str]:
    """Return labels and contract as ONNX metadata, for whoever opens the file without its bundle."""
    height, width, channels = job.model.input_shape
    inside, out = f"[N, {height}, {width}, {channels}], raw pixels 0-255", f"[N, {job.model.classes}]"
    if job.task == "locate":
        inside, out = "[N, H, W, 1], multiples of 8, local contrast around 128", "[N, H / 8, W / 8, 60], maps"
    return {
        "labels": json.dumps(job.labels),
        "input": f"image: uint8 {inside}",
        "output": f"probabilities: float32 {out}",
        "preprocessing": job.preprocessing.id,
        "producer": f"edgedigits {__version__}",
    }


def describe_bundle(
    job: ExportJob, evaluation: ExportEvaluation, tools: Mapping[str, str], created: str
) -> dict[str, bytes]:
    """Return every file of the bundle by name; the last one is its manifest.

    ``tools`` are the versions of what made the bundle, ``created`` is the time in UTC.

    Raises
    ------
    BundleError, jsonschema.ValidationError: the manifest would not be of its declared types.

    """
    files = {file.name: file.converted.data for file in evaluation.files}
    golden_outputs = {file.name: file.golden for file in evaluation.files}
    if job.task == "locate":  # maps are large, and engines differ in them by less than a step
        golden_outputs = {name: dict([next(iter(found.items()))]) for name, found in golden_outputs.items()}
    engines, outputs = number_engines(golden_outputs)
    recorded = {name: _in_steps(maps) for name, maps in outputs.items()} if job.task == "locate" else outputs
    inputs = evaluation.golden_inputs
    pictures = {f"picture/{index}": np.frombuffer(data, np.uint8) for index, data in inputs.pictures.items()}
    files[_GOLDEN] = _npz({"images": inputs.images} | pictures | recorded)
    if job.keep_reference:
        keras = evaluation.keras_reference
        places = {} if keras.places is None else {"places": keras.places}
        files[_REFERENCE] = _npz({"probabilities": keras.probabilities} | places)
    golden = Golden(
        _attachment(_GOLDEN, files, len(inputs.images)),
        engines,
        {variant.precision: tolerance_of(job.task, variant.precision, job.model.classes) for variant in job.variants},
    )
    reference = Reference(
        "Keras" if job.finished is None else job.finished.engine,
        job.reference.source,
        job.reference.sha256(),
        accuracy_of(evaluation.keras_reference.probabilities, evaluation.keras_reference.labels),
        _attachment(_REFERENCE, files, len(evaluation.keras_reference.labels)) if job.keep_reference else None,
    )
    manifest = write_manifest(_manifest(job, evaluation, golden, reference, tools, created))
    jsonschema.validate(json.loads(manifest), manifest_schema())
    return files | {MANIFEST: manifest}


def _manifest(
    job: ExportJob,
    evaluation: ExportEvaluation,
    golden: Golden,
    reference: Reference,
    tools: Mapping[str, str],
    created: str,
) -> Manifest:
    """Return the manifest; its id is filled in when it is written."""
    model, calibration = job.model, job.calibration
    adapter = job.finished.wrapping.adapter if job.finished else None
    return Manifest(
        schema=SCHEMA,
        id="",
        name=job.name,
        task=job.task,
        created=created,
        tools=dict(tools),
        labels=job.labels,
        image=model.input_shape,
        parameters=model.parameters,
        preprocessing=job.preprocessing,
        scaling=PixelScaling(*astuple(model.scaling)),
        confidence=job.confidence,
        files=tuple(_model_file(file, adapter) for file in evaluation.files),
        left_out=evaluation.left_out,
        gate=job.gate,
        calibration=None if job.finished else CalibrationSet(
            calibration.source, job.calibration_sha256, len(calibration.images), calibration.seed,
            calibration.indices_sha256,
        ),
        golden=golden,
        reference=reference,
        training=job.training,
    )  # fmt: skip


def _model_file(file: FileEvaluation, adapter: Adapter | None) -> ModelFile:
    data, (precision, format_), figures = file.converted.data, file.converted.variant, file.comparison
    judged = file.judged
    return ModelFile(
        path=file.name,
        format=format_,
        precision=precision,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        image=file.image,
        probabilities=file.probabilities,
        requirements=read_requirements(data, format_),
        adapter=adapter,
        accuracy=figures.accuracy,
        parity=Agreement(
            file.engine, file.version, figures.accuracy.count, len(figures.flips), figures.agreement,
            figures.max_abs_difference,
        ),
        judgement=Judgement(file.verdict.outcome, judged.accuracy.count, judged.drop, judged.drop_ci95),
        repair=file.repair,
    )  # fmt: skip


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    save: Any = np.savez_compressed  # the stubs of numpy 2 take any keyword for allow_pickle
    save(buffer, **arrays)
    return buffer.getvalue()


def _in_steps(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    steps: NDArray[np.uint8] = np.round(maps * MAP_STEPS).clip(0, 255).astype(np.uint8)
    return steps


def _attachment(name: str, files: Mapping[str, bytes], count: int) -> Attachment:
    return Attachment(name, hashlib.sha256(files[name]).hexdigest(), count)
