"""The manifest of a bundle: the typed contract between the desk that exports and the board that runs.

Its JSON Schema, `manifest.schema.json` beside this file, is made from these types.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from edgedigits.errors import BundleError
from edgedigits.records import Count, FileName, Sha256, from_plain, to_plain

SCHEMA = 2
PRECISIONS = ("float32", "float16", "dynamic-int8", "int8", "int16x8")
# Names of the same recipes in Google's ai-edge-quantizer.
ALIASES = {"dynamic_wi8_afp32": "dynamic-int8", "static_wi8_ai8": "int8", "static_wi8_ai16": "int16x8"}
Precision = Literal["float32", "float16", "dynamic-int8", "int8", "int16x8"]
Format = Literal["tflite", "onnx"]
PipelineId = Literal["digit/1", "resize/1"]

SUFFIXES: dict[Format, str] = {"tflite": ".tflite", "onnx": ".onnx"}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A model's input or output: -1 marks a free axis; scale and zero point are None when it is not quantized."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a file needs to run, derived from its content.

    Attributes
    ----------
    operators: smallest version of each operator that computes this file rightly; for ONNX the version of the
        operator's definition that the file's opset selects.
        An operator stands here a second time with its types, as in ``DIV INT8``, where the version does not tell
        whether an engine has it for them.
    declared: what the file says: operator versions (TFLite), opset by domain (ONNX).
    underived: operators without a rule, whose version in ``operators`` is only the declared one, or never tried on
        these types.
    opset, ir_version: of an ONNX file, else None.
    engines: the smallest release known to suffice, by engine; an engine that is not named is not known.

    """

    operators: dict[str, Count]
    declared: dict[str, Count]
    underived: tuple[str, ...]
    opset: Count | None
    ir_version: Count | None
    engines: dict[str, str]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Right answers over labelled images, with the Wilson 95 % interval."""

    correct: Count
    count: Count
    top1: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one engine's answers compared with Keras' when the bundle was made."""

    engine: str
    version: str
    count: Count
    flips: Count
    agreement: float
    max_abs_difference: float


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One variant in one format."""

    path: FileName
    format: Format
    precision: Precision
    bytes: Count
    sha256: Sha256
    image: TensorInfo
    probabilities: TensorInfo
    requirements: Requirements
    accuracy: Accuracy
    parity: Agreement


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The pipeline that turns a picture into the model's pixels, by versioned name, with its parameters."""

    id: PipelineId
    parameters: dict[str, float]


@dataclass(frozen=True, slots=True)
class PixelScaling:
    """What turns raw pixels into the Keras model's own input, inside each file: ``(pixel * scale - mean) / std``.

    ``mean`` and ``std`` hold one value for all channels or one a channel.
    """

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """Which training images set the ranges of the int8 files."""

    source: str
    dataset_sha256: Sha256
    count: Count
    seed: int
    indices_sha256: Sha256


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of arrays that belongs to the bundle."""

    path: FileName
    sha256: Sha256
    count: Count


@dataclass(frozen=True, slots=True)
class Witness:
    """An engine's release whose golden answers the bundle holds."""

    engine: str
    version: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far golden answers may be from those recorded.

    Attributes
    ----------
    exact: of any probability, as a share of it, where a release answers whose answers were recorded; None where even
        that need not repeat itself on another processor.
    largest, mean: of any probability, and of all on average, where another release answers.

    """

    exact: float | None
    largest: float
    mean: float


@dataclass(frozen=True, slots=True)
class Golden:
    """Inputs with the answers of each witness that each file must repeat, and how far it may be off, by precision."""

    file: Attachment
    witnesses: tuple[Witness, ...]
    tolerance: dict[str, Tolerance]


@dataclass(frozen=True, slots=True)
class Reference:
    """Keras' own outputs: the data they belong to, and the file with them unless it was left out for its size."""

    source: str
    dataset_sha256: Sha256
    keras: Accuracy
    file: Attachment | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that ties a bundle together.

    Attributes
    ----------
    id: SHA-256 of the canonical JSON of all other fields but ``created``.
    image: height, width and channels of the uint8 input.
    training: what the trainer recorded, when the model came with its record.

    """

    schema: int
    id: Sha256
    name: FileName
    created: str
    tools: dict[str, str]
    labels: tuple[str, ...]
    image: tuple[int, int, int]
    parameters: Count
    preprocessing: Preprocessing
    scaling: PixelScaling
    files: tuple[ModelFile, ...]
    calibration: CalibrationSet
    golden: Golden
    reference: Reference
    training: dict[str, Any] | None


def canonical(values: dict[str, Any]) -> bytes:
    """The one way to write a JSON object: sorted keys, no spaces, ASCII."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def bundle_id(values: dict[str, Any]) -> str:
    """The id of a bundle with this manifest, whose own ``id`` and ``created`` do not count."""
    return hashlib.sha256(canonical({k: v for k, v in values.items() if k not in {"id", "created"}})).hexdigest()


def write_manifest(manifest: Manifest) -> bytes:
    """The file's bytes, for people to read, with the id filled in.

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
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where}: expected a JSON manifest, found something else ({error})") from error
    version = values.get("schema") if isinstance(values, dict) else None
    if version != SCHEMA:
        raise BundleError(f"{where}: expected a manifest of schema {SCHEMA}, found {version!r}; export the model again")
    manifest = from_plain(Manifest, values, where)
    if manifest.id != (found := bundle_id(values)):
        raise BundleError(f"{where}: its id is {manifest.id[:12]}, its content hashes to {found[:12]}: it was edited")
    if not manifest.files or not manifest.golden.witnesses or len(manifest.labels) < 2 or min(manifest.image) < 1:
        raise BundleError(f"{where}: expected a model file, a witness, two labels and an image size, found less")
    if without := {file.precision for file in manifest.files} - set(manifest.golden.tolerance):
        raise BundleError(f"{where}: golden: tolerance: expected one for {min(without)}, found none")
    return manifest
