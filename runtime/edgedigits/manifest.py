"""The manifest of a bundle, which is the typed contract between the host that exports and the board that runs.

Its JSON Schema, `manifest.schema.json` beside this file, is made from these types. They are named tuples because every
`classify` waits until these 17 classes are made: 0.04 ms each, where frozen dataclasses take 0.3.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, NamedTuple

from edgedigits.errors import BundleError
from edgedigits.json_text import parse_json
from edgedigits.manifest_files import (
    ALIASES,
    PRECISIONS,
    SUFFIXES,
    Accuracy,
    Adapter,
    Agreement,
    Attachment,
    Format,
    GateChoice,
    Golden,
    Judgement,
    LeftOut,
    ModelFile,
    Precision,
    ReferenceEngine,
    Repair,
    RepairTrial,
    Requirements,
    TensorInfo,
    Tolerance,
)
from edgedigits.records import Count, FileName, Sha256, from_plain, to_plain

__all__ = [
    "ALIASES",
    "PRECISIONS",
    "SCHEMA",
    "SUFFIXES",
    "Accuracy",
    "Adapter",
    "Agreement",
    "Attachment",
    "CalibrationSet",
    "Confidence",
    "Format",
    "GateChoice",
    "Golden",
    "Judgement",
    "LeftOut",
    "Manifest",
    "ModelFile",
    "PipelineId",
    "PixelScaling",
    "Precision",
    "Preprocessing",
    "Reference",
    "ReferenceEngine",
    "Repair",
    "RepairTrial",
    "Requirements",
    "Task",
    "TensorInfo",
    "Tolerance",
    "bundle_id",
    "canonical",
    "output_shape",
    "read_manifest",
    "write_manifest",
]

SCHEMA = 7
PipelineId = Literal["digit/2", "resize/1", "contrast/1"]
Task = Literal["classify", "locate"]


class Preprocessing(NamedTuple):
    """The pipeline that turns a picture into the model's pixels, by versioned name.

    Attributes
    ----------
    locator: the id of the bundle of the locator that finds the digits; None where the pipeline has none.
    parameters: the weights of the rule that judges answers (see `edgedigits.images.judge`).

    """

    id: PipelineId
    locator: Sha256 | None
    parameters: dict[str, float]


class PixelScaling(NamedTuple):
    """The scaling inside each file, from raw pixels to the Keras model's input: ``(pixel * scale - mean) / std``.

    ``mean`` and ``std`` hold one value for all channels or one a channel, in the model's order; with ``bgr`` the model
    takes blue first.
    """

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool


class CalibrationSet(NamedTuple):
    """The calibration data: the training images that set the ranges of the int8 files."""

    source: str
    dataset_sha256: Sha256
    count: Count  # type: ignore[assignment]  # of records, not tuple's
    seed: int
    indices_sha256: Sha256


class Confidence(NamedTuple):
    """The temperature inside every file, by which confidence is calibrated.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Attributes
    ----------
    temperature: what the Keras model's scores were divided by before conversion; 1 changes nothing.
    fitted_on, count: the labelled validation images that it was fitted to.
    ece_before, ece_after: Keras' expected calibration error on them, without the temperature and with it.
    nll_before, nll_after: Keras' mean negative log likelihood on them, in nats.
    why_not: the reason why no temperature was fitted, so that it is 1; None where one was.

    """

    temperature: float
    fitted_on: str
    count: Count  # type: ignore[assignment]  # of records, not tuple's
    ece_before: float
    ece_after: float
    nll_before: float
    nll_after: float
    why_not: str | None


class Reference(NamedTuple):
    """The outputs that files are compared with: Keras' own, or of a finished file those that it gave on the host.

    Attributes
    ----------
    of: whose outputs they are, ``Keras`` or an engine with its release.
    source, dataset_sha256: the data that they belong to.
    file: None where they were left out for their size.

    """

    of: str
    source: str
    dataset_sha256: Sha256
    accuracy: Accuracy
    file: Attachment | None


class Manifest(NamedTuple):
    """The whole manifest, which ties a bundle together.

    Attributes
    ----------
    id: SHA-256 of the canonical JSON of all other fields but ``created``.
    task: what the model does with an image: it classifies it, or locates digits in it.
    image: height, width and channels of the uint8 input; of a locator, which takes any size, those of golden inputs.
    parameters: the count of weights; None where a finished file was wrapped, of which it is not known.
    left_out: the variants that could not be made.
    calibration: None where nothing was quantized here, because the file was finished.
    training: the trainer's record; None where the model came without one.

    """

    schema: int
    id: Sha256
    name: FileName
    task: Task
    created: str
    tools: dict[str, str]
    labels: tuple[str, ...]
    image: tuple[int, int, int]
    parameters: Count | None
    preprocessing: Preprocessing
    scaling: PixelScaling
    confidence: Confidence
    files: tuple[ModelFile, ...]
    left_out: tuple[LeftOut, ...]
    gate: GateChoice
    calibration: CalibrationSet | None
    golden: Golden
    reference: Reference
    training: dict[str, Any] | None


def output_shape(manifest: Manifest) -> tuple[int, ...]:
    """Return the shape of a model's output for one image of the manifest's size."""
    if manifest.task == "classify":
        return (len(manifest.labels),)
    height, width, _ = manifest.image
    return (height // 8, width // 8, 4 * (len(manifest.labels) + 4))


def canonical(values: dict[str, Any]) -> bytes:
    """Return a JSON object in its canonical form: sorted keys, no spaces, ASCII."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def bundle_id(values: dict[str, Any]) -> str:
    """Return the id of the bundle with this manifest; the fields ``id`` and ``created`` do not count."""
    return hashlib.sha256(canonical({k: v for k, v in values.items() if k not in {"id", "created"}})).hexdigest()


def write_manifest(manifest: Manifest) -> bytes:
    """Return the manifest file's bytes, indented for people to read, with the id filled in.

    Raises
    ------
    BundleError: a field is not of its declared type, so that no reader would take the manifest.

    """
    told = json.loads(canonical(to_plain(manifest) | {"id": "0" * 64}))
    # As reading will find it: 20 where a float is declared becomes 20.0, or the id would change when written again.
    values = to_plain(from_plain(Manifest, told, "manifest"))
    values["id"] = bundle_id(values)
    return (json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read_manifest(data: bytes, where: str) -> Manifest:
    """Read and verify a manifest; ``where`` names the file in messages.

    Raises
    ------
    BundleError: not JSON, another schema version, not the declared types, incomplete, or changed after it was written.

    """
    try:
        values = parse_json(data)
    except ValueError as error:
        raise BundleError(f"{where}: expected a JSON manifest, found something else ({error})") from error
    version = values.get("schema") if isinstance(values, dict) else None
    if version != SCHEMA:
        raise BundleError(f"{where}: expected a manifest of schema {SCHEMA}, found {version!r}; export the model again")
    manifest = from_plain(Manifest, values, where)
    if manifest.id != (found := bundle_id(values)):
        raise BundleError(f"{where}: its id is {manifest.id[:12]}, its content hashes to {found[:12]}: it was edited")
    if (
        not manifest.files
        or not manifest.golden.reference_engines
        or len(manifest.labels) < 2
        or min(manifest.image) < 1
    ):
        raise BundleError(
            f"{where}: expected a model file, a reference engine, two labels and an image size, found less"
        )
    if not manifest.confidence.temperature > 0:
        raise BundleError(
            f"{where}: confidence: expected a temperature above 0, found {manifest.confidence.temperature}"
        )
    if without := {file.precision for file in manifest.files} - set(manifest.golden.tolerance):
        raise BundleError(f"{where}: golden: tolerance: expected one for {min(without)}, found none")
    return manifest
