"""Measure parity: compare every variant in every installed engine with Keras, or one bundle with another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError, EdgeDigitsError, GateFailedError
from edgedigits.manifest import ModelFile, output_shape
from edgedigits.verification.compare import Comparison, compare
from edgedigits.verification.gates import GateVerdict, exit_code_of, judge_variant
from edgedigits.verification.inference import Inferences, infer_isolated
from edgedigits.verification.outputs import Header, Outputs, require_same_file_and_data
from edgedigits.verification.places import at_places, comparable, find_places, true_labels
from edgedigits.wrapping import wrapping_of

Progress = Callable[[str], None]
Save = Callable[[ModelFile, Inferences], object]


@dataclass(frozen=True, slots=True)
class ParityRow:
    """One variant in one engine on one machine: the comparison and the verdict of its gate, or the error.

    Attributes
    ----------
    version: the release of the engine; None after an error.
    machine: the machine of saved outputs; None for a run on this machine.
    comparison, verdict: None after an error, and where outputs were only saved because there is no reference.
    error: why the run failed; None if it did not.

    """

    file: str
    precision: str
    engine: str
    version: str | None
    machine: dict[str, Any] | None
    comparison: Comparison | None
    verdict: GateVerdict | None
    error: str | None
    exit_code: int


def explain_missing_reference(bundle: Bundle, data: Dataset) -> str | None:
    """Return why the bundle has no reference outputs for these data; None when it has them."""
    reference = bundle.manifest.reference
    if reference.file is None:
        return f"{bundle.path}: its reference (Keras' own outputs) was left out; compare where the model was exported"
    if not (bundle.path / reference.file.path).exists():
        return (
            f"{bundle.path}: holds no {reference.file.path} to compare with; copy the whole bundle or export it again, "
            "or save the outputs for a machine that has it: --save-outputs"
        )
    count = len(data) if bundle.manifest.task == "classify" else reference.file.count  # places, not images
    if data.sha256() != reference.dataset_sha256 or reference.file.count != count:
        return (
            f"{bundle.path}: its reference belongs to {reference.source} ({reference.accuracy.count} images, "
            f"{reference.dataset_sha256[:12]}), found {data.source} ({len(data)}, {data.sha256()[:12]}); "
            "give the data of its export (--data), or its Keras model, where the exporter is (--per-layer)"
        )
    return None


def measure_parity(
    bundle: Bundle,
    files: Sequence[ModelFile],
    engines: Sequence[str],
    data: Dataset,
    progress: Progress,
    num_threads: int = 1,
    save: Save | None = None,
) -> list[ParityRow]:
    """Run each file in each engine that reads it, and compare the outputs with the reference of the bundle.

    ``save`` is called with the outputs of each run. With it a bundle needs no reference for these data: the rows then
    have no comparison, which is left to a machine that has the reference.

    Raises
    ------
    BundleError: the bundle has no reference for these data, and ``save`` is None.

    """
    missing = explain_missing_reference(bundle, data)
    if missing is not None and save is None:
        raise BundleError(missing)
    reference = None if missing else bundle.reference()
    rows = []
    for file, engine in pairs(files, engines):
        progress(f"{file.path} in {engine}")
        try:
            inferences = _infer(bundle, file, engine, data, num_threads)
        except EdgeDigitsError as error:
            failure = str(error), error.exit_code
            rows.append(ParityRow(file.path, file.precision, engine, None, None, None, None, *failure))
            continue
        if save is not None:
            save(file, inferences)
        outputs = inferences.probabilities if reference is None else comparable(bundle, inferences.probabilities)
        rows.append(_row(bundle, file, inferences, outputs, reference, data))
    return rows


def pairs(files: Sequence[ModelFile], engines: Sequence[str]) -> list[tuple[ModelFile, str]]:
    """Return each file with each engine that reads its format."""
    return [(file, engine) for file in files for engine in engines if ENGINES[engine].format == file.format]


def compare_outputs(bundle: Bundle, saved: Sequence[tuple[Path, Outputs]], data: Dataset) -> list[ParityRow]:
    """Compare outputs that were saved on this or another machine with the reference of the bundle.

    Raises
    ------
    BundleError: no reference for these data, or outputs of other files, other data, or another number of classes.

    """
    if missing := explain_missing_reference(bundle, data):
        raise BundleError(missing)
    reference = bundle.reference()
    files = {file.path: file for file in bundle.manifest.files}
    rows = []
    for path, outputs in saved:
        header, found = outputs.header, outputs.probabilities.shape[1:]
        file = files.get(header.file)
        require_same_file_and_data(outputs, path, file.sha256 if file else None, data.sha256())
        expected = output_shape(bundle.manifest)
        if found != expected:
            raise BundleError(f"{path}: expected {list(expected)} a picture, found {list(found)}; save them again")
        rows.append(
            _row(bundle, files[header.file], header, comparable(bundle, outputs.probabilities), reference, data)
        )
    return rows


def _row(
    bundle: Bundle,
    file: ModelFile,
    origin: Inferences | Header,
    probabilities: NDArray[np.float32],
    reference: NDArray[np.float32] | None,
    data: Dataset,
) -> ParityRow:
    temperature = bundle.manifest.confidence.temperature
    comparison = (
        None
        if reference is None
        else compare(probabilities, reference, true_labels(bundle, data, reference), temperature)
    )
    manifest = bundle.manifest
    verdict = judge_variant(file.precision, comparison, manifest.task, manifest.gate) if comparison else None
    return ParityRow(
        file.path, file.precision, origin.engine, origin.version,
        origin.machine if isinstance(origin, Header) else None,
        comparison, verdict, None, verdict.exit_code if verdict else 0,
    )  # fmt: skip


def _infer(bundle: Bundle, file: ModelFile, engine: str, data: Dataset, num_threads: int) -> Inferences:
    bundle.read(file)  # raises if the file is not the one in the manifest
    wrapping = wrapping_of(bundle.manifest, file)
    return infer_isolated(bundle.path / file.path, engine, data.images, num_threads, wrapping=wrapping)


def exit_code(rows: Sequence[ParityRow], *, strict: bool) -> int:
    """Return the exit code: 1 if a gate failed, else the highest of an error, else 4 if too few images and strict."""
    judged = exit_code_of([row.verdict for row in rows if row.verdict], strict=strict)
    failed = GateFailedError.exit_code
    return judged if judged == failed else max(judged, *(row.exit_code for row in rows))


def compare_bundles(
    old: Bundle, new: Bundle, variant: str | None, engine: str, data: Dataset, num_threads: int = 1
) -> tuple[ModelFile, ModelFile, Comparison]:
    """Compare the outputs of a variant in a new bundle with those in an old bundle, in the same engine.

    Returns the old file, the new file, and the comparison in which the old outputs are the reference.

    Raises
    ------
    BundleError: a bundle lacks the variant, or the two models differ in labels or image size.

    """
    if old.manifest.labels != new.manifest.labels or old.manifest.image != new.manifest.image:
        raise BundleError(
            f"{new.path}: expected the labels and image size of {old.path}, found others; compare like with like"
        )
    before, after = (bundle.pick(variant, [ENGINES[engine].format]) for bundle in (old, new))
    reference = _infer(old, before, engine, data, num_threads).probabilities
    outputs = _infer(new, after, engine, data, num_threads).probabilities
    labels, temperature = data.labels, new.manifest.confidence.temperature
    if new.manifest.task == "locate":
        found = find_places(reference)
        reference, outputs = found.probabilities, at_places(outputs, found.places)
        labels = np.asarray(reference.argmax(axis=1), np.int64)
    return before, after, compare(outputs, reference, labels, temperature)
