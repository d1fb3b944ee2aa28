"""Write a bundle: convert, let every file answer in its engine, record, and put the folder in place whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from numpy.typing import NDArray

from edgedigits import __version__
from edgedigits.datasets import Dataset
from edgedigits.files import folder_atomic
from edgedigits.images.decode import read_pixels
from edgedigits.images.normalise import BORDER_LIMIT, BOX, MIN_CONTRAST, normalise
from edgedigits.images.resize import resize
from edgedigits.manifest import (
    SCHEMA,
    SUFFIXES,
    Agreement,
    Attachment,
    CalibrationSet,
    Format,
    Golden,
    Manifest,
    ModelFile,
    Preprocessing,
    Reference,
    write_manifest,
)  # fmt: skip
from edgedigits.trust.answers import Answers, answer_apart
from edgedigits.trust.compare import Comparison, accuracy_of, compare
from edgedigits.trust.gates import failures
from edgedigits.trust.golden import TOLERANCE
from edgedigits_export.calibration import Calibration
from edgedigits_export.freeze import FrozenModel
from edgedigits_export.golden import choose_golden, encode_pictures
from edgedigits_export.onnx_format import annotate_onnx, convert_onnx, quantize_onnx
from edgedigits_export.requirements import read_requirements
from edgedigits_export.schema import manifest_schema
from edgedigits_export.tflite import convert_tflite

ONNX_PRECISIONS = ("float32", "int8")
_ENGINE_OF: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}
_TOOLS = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to export, from what, and the data that belong to it.

    Attributes
    ----------
    calibration: training images that set the int8 ranges.
    golden_pool: training images from which golden inputs are chosen.
    validation: what the gates judge on.
    reference: what accuracy and parity are reported on; nothing is decided by it.
    training: the trainer's record, or None.

    """

    name: str
    frozen: FrozenModel
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
    """One file of the finished bundle: on the reference images, and what the gate has against it on validation."""

    file: ModelFile
    comparison: Comparison
    failed: tuple[str, ...]


def write_bundle(plan: ExportPlan, path: Path, *, overwrite: bool, progress: Progress) -> list[Exported]:
    """Write the bundle at ``path``; returns how each file did.

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
        exported, expected = [], {}
        for precision, format_ in plan.variants:
            name = _file_name(plan.name, precision, format_)
            progress(f"asking {name}")
            answers = answer_apart(folder / name, _ENGINE_OF[format_], asked.images)
            expected[f"expected/{name}"] = asked.part(answers.probabilities, "golden")
            exported.append(_exported(folder / name, precision, format_, answers, keras, asked))
        golden = _save(folder, "golden.npz", {"images": images} | pictures | expected, len(images))
        reference = _reference(folder, plan, asked.part(keras, "reference"))
        manifest = _manifest(plan, [one.file for one in exported], golden, reference)
        data = write_manifest(manifest)
        jsonschema.validate(json.loads(data), manifest_schema())
        (folder / "manifest.json").write_bytes(data)
    return exported


class _Asked:
    """All images that a file is asked about, in one go: golden, reference, validation."""

    def __init__(self, plan: ExportPlan, golden: NDArray[np.uint8]) -> None:
        parts = {"golden": golden, "reference": plan.reference.images, "validation": plan.validation.images}
        self.plan = plan
        self.images = np.concatenate(list(parts.values()))
        ends = np.cumsum([0, *map(len, parts.values())])
        self._slices = {name: slice(start, end) for name, start, end in zip(parts, ends[:-1], ends[1:], strict=True)}

    def part(self, values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return values[self._slices[name]]


def _convert(plan: ExportPlan, progress: Progress) -> list[tuple[str, bytes]]:
    made: dict[tuple[str, Format], bytes] = {}
    images = plan.calibration.images
    properties = _metadata(plan)
    onnx_float: bytes | None = None
    for precision, format_ in plan.variants:
        progress(f"converting {precision}.{format_}")
        if format_ == "tflite":
            made[precision, format_] = convert_tflite(plan.frozen, precision, images)
            continue
        onnx_float = onnx_float or convert_onnx(plan.frozen, plan.opset)
        data = onnx_float if precision == "float32" else quantize_onnx(onnx_float, images)
        made[precision, format_] = annotate_onnx(data, properties | {"precision": precision})
    return [(_file_name(plan.name, precision, format_), data) for (precision, format_), data in made.items()]


def _metadata(plan: ExportPlan) -> dict[str, str]:
    height, width, channels = plan.frozen.input_shape
    return {
        "labels": json.dumps(plan.labels),
        "input": f"image: uint8 [N, {height}, {width}, {channels}], raw pixels 0-255",
        "output": f"probabilities: float32 [N, {plan.frozen.classes}]",
        "preprocessing": _pipeline(plan).id,
        "producer": f"edgedigits {__version__}",
    }


def _file_name(model: str, precision: str, format_: Format) -> str:
    return f"{model}-{precision}{SUFFIXES[format_]}"


def _golden_images(plan: ExportPlan) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.uint8]]]:
    """The golden images, and encoded pictures by the key of the image that each must give."""
    height, width, channels = plan.frozen.input_shape
    digits = _pipeline(plan).id == "digit/1"
    images = list(choose_golden(plan.golden_pool, plan.frozen.predict, plan.seed))
    pictures = {}
    for data in encode_pictures(np.stack(images), digits=digits):
        pixels = read_pixels(data, channels)
        pictures[f"picture/{len(images)}"] = np.frombuffer(data, np.uint8)
        images.append(normalise(pixels[..., 0]).image[..., None] if digits else resize(pixels, height, width))
    return np.stack(images), pictures


def _exported(
    path: Path, precision: Any, format_: Format, answers: Answers, keras: NDArray[np.float32], asked: _Asked
) -> Exported:
    plan = asked.plan
    comparisons = {
        name: compare(asked.part(answers.probabilities, name), asked.part(keras, name), part.labels)
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
    return Exported(file, chosen, tuple(failures(precision, comparisons["validation"])))


def _reference(folder: Path, plan: ExportPlan, keras: NDArray[np.float32]) -> Reference:
    data = plan.reference
    file = _save(folder, "reference.npz", {"probabilities": keras}, len(data)) if plan.keep_reference else None
    return Reference(data.source, data.sha256(), accuracy_of(keras, data.labels), file)


def _save(folder: Path, name: str, arrays: Mapping[str, NDArray[Any]], count: int) -> Attachment:
    buffer = io.BytesIO()
    save: Any = np.savez_compressed  # the stubs of numpy 2 take any keyword for allow_pickle
    save(buffer, **arrays)
    (folder / name).write_bytes(buffer.getvalue())
    return Attachment(name, hashlib.sha256(buffer.getvalue()).hexdigest(), count)


def _manifest(plan: ExportPlan, files: list[ModelFile], golden: Attachment, reference: Reference) -> Manifest:
    calibration = plan.calibration
    return Manifest(
        schema=SCHEMA,
        id="",
        name=plan.name,
        created=_now(),
        tools={"edgedigits": __version__, "python": platform.python_version()} | {t: version(t) for t in _TOOLS},
        labels=plan.labels,
        image=plan.frozen.input_shape,
        parameters=plan.frozen.model.count_params(),
        preprocessing=_pipeline(plan),
        files=tuple(files),
        calibration=CalibrationSet(
            calibration.source, plan.calibration_sha256, len(calibration.images), calibration.seed,
            calibration.indices_sha256,
        ),
        golden=Golden(golden, {file.precision: TOLERANCE[file.precision][0] for file in files}),
        reference=reference,
        training=plan.training,
    )  # fmt: skip


def _pipeline(plan: ExportPlan) -> Preprocessing:
    if plan.frozen.input_shape == (28, 28, 1):
        return Preprocessing("digit/1", {"border_limit": BORDER_LIMIT, "box": BOX, "min_contrast": MIN_CONTRAST})
    return Preprocessing("resize/1", {})


def _now() -> str:
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
