"""Write a bundle: convert, let every file answer in its engine, record, and put the folder in place whole."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import InputError
from edgedigits.files import folder_atomic
from edgedigits.images.decode import read_pixels
from edgedigits.images.pipeline import preprocess
from edgedigits.manifest import Accuracy, Agreement, Attachment, Format, Golden, ModelFile, Reference, write_manifest
from edgedigits.verification.compare import accuracy_of, compare
from edgedigits.verification.gates import judge_variant
from edgedigits.verification.golden import TOLERANCE
from edgedigits.verification.inference import Inferences, infer_isolated
from edgedigits_export.bundle.describe import describe_bundle, describe_file
from edgedigits_export.bundle.golden import choose_golden, encode_pictures
from edgedigits_export.bundle.job import Exported, ExportJob, Progress, Written, file_name, pipeline
from edgedigits_export.bundle.reference_engines import arrange, run_reference_engines
from edgedigits_export.bundle.schema import manifest_schema
from edgedigits_export.compat.tflite_requirements import read_requirements
from edgedigits_export.convert.onnx import annotate_onnx, convert_onnx, quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite

_ENGINE_OF: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}


def build_bundle(plan: ExportJob, path: Path, *, overwrite: bool, progress: Progress) -> Written:
    """Write the bundle at ``path``; returns how Keras and each file did.

    Raises
    ------
    OutputError: something is there already, or the disk is full; then nothing was written.
    EdgeDigitsError: a file that its engine refuses.

    """
    with folder_atomic(path, overwrite=overwrite) as folder:
        for name, data in _convert(plan, progress):
            (folder / name).write_bytes(data)
        images, pictures = _golden_images(plan)
        asked = _Asked(plan, images)
        keras = plan.frozen.predict(asked.images)
        if bad := int((~np.isfinite(keras)).any(axis=1).sum()):
            raise InputError(f"{plan.name}: expected probabilities, Keras answers NaN for {bad} of {len(keras)} images")
        exported, answered = [], {}
        for precision, format_ in plan.variants:
            name = file_name(plan.name, precision, format_)
            progress(f"asking {name}")
            answers = infer_isolated(folder / name, _ENGINE_OF[format_], asked.images)
            first = replace(answers, probabilities=asked.part(answers.probabilities, "golden"))
            answered[name] = run_reference_engines(folder / name, precision, format_, first, images)
            exported.append(_exported(folder / name, precision, format_, answers, keras, asked))
        witnesses, expected = arrange(answered)
        attachment = _save(folder, "golden.npz", {"images": images} | pictures | expected, len(images))
        golden = Golden(attachment, witnesses, {precision: TOLERANCE[precision][0] for precision, _ in plan.variants})
        reference = _reference(folder, plan, asked.part(keras, "reference"))
        manifest = describe_bundle(plan, [one.file for one in exported], golden, reference)
        data = write_manifest(manifest)
        jsonschema.validate(json.loads(data), manifest_schema())
        (folder / "manifest.json").write_bytes(data)
    return Written(tuple(exported), *_own(asked.part(keras, "validation"), plan.validation))


def _own(keras: NDArray[np.float32], data: Dataset) -> tuple[Accuracy, float]:
    """Keras' own accuracy, and that of always saying the commonest label."""
    return accuracy_of(keras, data.labels), float(np.bincount(data.labels).max() / len(data))


class _Asked:
    """All images that a file is asked about, in one go: golden, reference, validation."""

    def __init__(self, plan: ExportJob, golden: NDArray[np.uint8]) -> None:
        parts = {"golden": golden, "reference": plan.reference.images, "validation": plan.validation.images}
        self.plan = plan
        self.images = np.concatenate(list(parts.values()))
        ends = np.cumsum([0, *map(len, parts.values())])
        self._slices = {name: slice(start, end) for name, start, end in zip(parts, ends[:-1], ends[1:], strict=True)}

    def part(self, values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return values[self._slices[name]]


def _convert(plan: ExportJob, progress: Progress) -> list[tuple[str, bytes]]:
    made: dict[tuple[str, Format], bytes] = {}
    images = plan.calibration.images
    properties = describe_file(plan)
    onnx_float: bytes | None = None
    for precision, format_ in plan.variants:
        progress(f"converting {precision}.{format_}")
        if format_ == "tflite":
            made[precision, format_] = convert_tflite(plan.frozen, precision, images)
            continue
        onnx_float = onnx_float or convert_onnx(plan.frozen, plan.opset)
        data = onnx_float if precision == "float32" else quantize_onnx(onnx_float, images)
        made[precision, format_] = annotate_onnx(data, properties | {"precision": precision})
    return [(file_name(plan.name, precision, format_), data) for (precision, format_), data in made.items()]


def _golden_images(plan: ExportJob) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.uint8]]]:
    """The golden images, and encoded pictures by the key of the image that each must give."""
    shape, steps = plan.frozen.input_shape, pipeline(plan).id
    images = list(choose_golden(plan.golden_pool, plan.frozen.predict, plan.seed))
    pictures = {}
    for data in encode_pictures(np.stack(images), digits=steps == "digit/1"):
        pictures[f"picture/{len(images)}"] = np.frombuffer(data, np.uint8)
        images.append(preprocess(read_pixels(data, shape[-1]), steps, shape).image.reshape(shape))
    return np.stack(images), pictures


def _exported(
    path: Path, precision: Any, format_: Format, answers: Inferences, keras: NDArray[np.float32], asked: _Asked
) -> Exported:
    plan = asked.plan
    comparisons = {
        name: compare(
            asked.part(answers.probabilities, name), asked.part(keras, name), part.labels, plan.confidence.temperature
        )
        for name, part in (("reference", plan.reference), ("validation", plan.validation))
    }
    chosen = comparisons["reference"]
    data = path.read_bytes()
    file = ModelFile(
        path=path.name,
        format=format_,
        precision=precision,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        image=answers.image,
        probabilities=answers.output,
        requirements=read_requirements(data, format_),
        accuracy=chosen.accuracy,
        parity=Agreement(
            answers.engine, answers.version, len(plan.reference), len(chosen.flips), chosen.agreement,
            chosen.max_abs_difference,
        ),
    )  # fmt: skip
    return Exported(file, chosen, judge_variant(precision, comparisons["validation"]))


def _reference(folder: Path, plan: ExportJob, keras: NDArray[np.float32]) -> Reference:
    data = plan.reference
    file = _save(folder, "reference.npz", {"probabilities": keras}, len(data)) if plan.keep_reference else None
    return Reference(data.source, data.sha256(), accuracy_of(keras, data.labels), file)


def _save(folder: Path, name: str, arrays: Mapping[str, NDArray[Any]], count: int) -> Attachment:
    buffer = io.BytesIO()
    save: Any = np.savez_compressed  # the stubs of numpy 2 take any keyword for allow_pickle
    save(buffer, **arrays)
    (folder / name).write_bytes(buffer.getvalue())
    return Attachment(name, hashlib.sha256(buffer.getvalue()).hexdigest(), count)
