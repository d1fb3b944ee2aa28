"""The part of a bundle's manifest that describes its files: the models, and the golden outputs that verify them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from edgedigits.records import Count, FileName, Sha256

PRECISIONS = ("float32", "float16", "dynamic-int8", "int8", "int16x8")
# Names of the same recipes in Google's ai-edge-quantizer.
ALIASES = {"dynamic_wi8_afp32": "dynamic-int8", "static_wi8_ai8": "int8", "static_wi8_ai16": "int16x8"}
Precision = Literal["float32", "float16", "dynamic-int8", "int8", "int16x8"]
Format = Literal["tflite", "onnx"]

SUFFIXES: dict[Format, str] = {"tflite": ".tflite", "onnx": ".onnx"}


class GateChoice(NamedTuple):
    """The gate that variants have to pass.

    Attributes
    ----------
    name: ``accuracy`` looks at the accuracy that is lost, ``shipped`` at every answer, as for this package's models.
    margin: the loss of accuracy that ``accuracy`` allows, in percentage points.

    """

    name: Literal["accuracy", "shipped"]
    margin: float


class TensorInfo(NamedTuple):
    """A model's input or output: -1 marks a free axis; scale and zero point are None when it is not quantized."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None


class Requirements(NamedTuple):
    """The requirements of a file, derived from its content.

    Attributes
    ----------
    operators: the smallest version of each operator that computes this file rightly; for ONNX the version of the
        operator's definition that the file's opset selects.
        An operator is listed a second time with its types, as in ``DIV INT8``, where the version does not tell whether
        an engine has a kernel for them.
    declared: the versions that the file declares: of operators (TFLite), of opsets by domain (ONNX).
    underived: operators without a rule, whose version in ``operators`` is only the declared one, and operators that
        were never tried on these types.
    opset, ir_version: of an ONNX file, else None.
    engines: the smallest release that is known to suffice, by engine; nothing is known of an engine that is missing.

    """

    operators: dict[str, Count]
    declared: dict[str, Count]
    underived: tuple[str, ...]
    opset: Count | None
    ir_version: Count | None
    engines: dict[str, str]


class Accuracy(NamedTuple):
    """The accuracy over labelled images, with its Wilson 95 % interval."""

    correct: Count
    count: Count  # type: ignore[assignment]  # of records, not tuple's
    top1: float
    ci95: tuple[float, float]


class Agreement(NamedTuple):
    """The agreement of one engine's outputs with the reference when the bundle was made."""

    engine: str
    version: str
    count: Count  # type: ignore[assignment]  # of records, not tuple's
    flips: Count
    agreement: float
    max_abs_difference: float


class Judgement(NamedTuple):
    """What the gate said of a file when the bundle was made, over all images that did not calibrate (5,000 at most).

    Attributes
    ----------
    count: of the images that judged.
    drop: loss of accuracy against the reference, in percentage points, with its two-sided 95 % interval.

    """

    outcome: Literal["passed", "failed", "undecided"]
    count: Count  # type: ignore[assignment]  # of records, not tuple's
    drop: float
    drop_ci95: tuple[float, float]


class RepairTrial(NamedTuple):
    """One candidate of a repair, in the order in which they were tried.

    Attributes
    ----------
    ranges: how the ranges of the activations were set, ``min-max``, ``percentile`` or ``mse``.
    in_float: the number of operators that stayed in float.
    drop, high: loss of accuracy against the reference in percentage points, and the upper bound that was compared with
        the margin; None where the file was not run.
    microseconds: the latency on the machine that exported; None where it was not measured.
    within, chosen: whether it is within the margin and runs on every target, and whether it became the file.
    refused: why it could not be made or run, or which target refuses or misreads it; None where nothing was against it.

    """

    ranges: str
    in_float: Count
    bytes: Count
    drop: float | None
    high: float | None
    microseconds: float | None
    within: bool
    chosen: bool
    refused: str | None


class Repair(NamedTuple):
    """How an integer file outside the margin was repaired, and what was tried for it.

    Attributes
    ----------
    found: whether a candidate was within the margin; the file is that candidate then, or the whole int8 file.
    ranges: how the ranges of its activations were set.
    in_float: the operators that stayed in float, the most harmful first.
    runs_on: the boards and engines that it must run on.
    chosen_on, count: the images that candidates were judged on; none of them judged the file that was chosen.
    bound: the confidence of the upper bounds; None where so few images allow none, and the loss itself decided.

    """

    found: bool
    ranges: str
    in_float: tuple[str, ...]
    runs_on: tuple[str, ...]
    chosen_on: str
    count: Count  # type: ignore[assignment]  # of records, not tuple's
    bound: str | None
    tried: tuple[RepairTrial, ...]


class LeftOut(NamedTuple):
    """A variant that was asked for and is not in the bundle, such as ``int8.onnx``: why, and what may be done."""

    variant: str
    reason: str
    cure: str


class Adapter(NamedTuple):
    """What has to be done around a finished file, which this project did not make and whose bytes it does not touch.

    Pixels are scaled by the manifest's scaling before they go in.

    Attributes
    ----------
    layout: the order of the input's axes; pictures are NHWC.
    scores: what comes out; a softmax makes probabilities of logits, and one number tells two classes apart.

    """

    layout: Literal["NHWC", "NCHW"]
    scores: Literal["probabilities", "logits", "probability of the second", "score of the second"]


class ModelFile(NamedTuple):
    """One variant in one format.

    Attributes
    ----------
    adapter: None where the file takes raw pixels and gives probabilities.
    repair: None where nothing had to be repaired.

    """

    path: FileName
    format: Format
    precision: Precision
    bytes: Count
    sha256: Sha256
    image: TensorInfo
    probabilities: TensorInfo
    requirements: Requirements
    adapter: Adapter | None
    accuracy: Accuracy
    parity: Agreement
    judgement: Judgement
    repair: Repair | None


class Attachment(NamedTuple):
    """A file of arrays that belongs to the bundle."""

    path: FileName
    sha256: Sha256
    count: Count  # type: ignore[assignment]  # of records, not tuple's


class ReferenceEngine(NamedTuple):
    """A release of an engine whose golden outputs the bundle holds."""

    engine: str
    version: str


class Tolerance(NamedTuple):
    """The largest differences allowed between golden outputs and the recorded ones.

    Attributes
    ----------
    exact: of any probability, as a share of it, for a release whose outputs were recorded; None where even the same
        release may differ on another processor.
    largest, mean: of any probability, and of all on average, for every other release.

    """

    exact: float | None
    largest: float
    mean: float


class Golden(NamedTuple):
    """Golden inputs, the reference engines whose outputs each file must repeat, and the tolerance by precision."""

    file: Attachment
    reference_engines: tuple[ReferenceEngine, ...]
    tolerance: dict[str, Tolerance]
