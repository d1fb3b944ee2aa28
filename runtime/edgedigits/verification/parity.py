"""Parity: every variant in every installed engine against Keras, or one bundle against another."""

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
from edgedigits.errors import BundleError, EdgeDigitsError
from edgedigits.manifest import ModelFile
from edgedigits.verification.compare import Comparison, compare
from edgedigits.verification.gates import GateVerdict, judge_variant
from edgedigits.verification.inference import Inferences, infer_isolated
from edgedigits.verification.outputs import Header, Outputs, refuse_others

Progress = Callable[[str], None]
Keep = Callable[[ModelFile, Inferences], object]


@dataclass(frozen=True, slots=True)
class ParityRow:
    """One variant in one engine on one machine: the comparison and the gate's verdict, or why there is none.

    Attributes
    ----------
    machine: where outputs come from that were run elsewhere; None: here and now.
    comparison, verdict: None after an error, and where there is no reference, so that outputs were only kept.
    error: what prevented the run, or None.

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


def why_no_reference(bundle: Bundle, data: Dataset) -> str | None:
    """Why answers to these data cannot be compared with Keras here; None when they can."""
    known = bundle.manifest.reference
    if known.file is None:
        return f"{bundle.path}: its reference, Keras' own answers, was left out; compare where the model was exported"
    if not (bundle.path / known.file.path).exists():
        return (
            f"{bundle.path}: holds no {known.file.path} to compare with; copy the whole bundle or export it again, or "
            "keep the answers for a machine that has it: --save-outputs"
        )
    if data.sha256() != known.dataset_sha256 or known.file.count != len(data):
        return (
            f"{bundle.path}: its reference belongs to {known.source} ({known.keras.count} images, "
            f"{known.dataset_sha256[:12]}), found {data.source} ({len(data)}, {data.sha256()[:12]}); "
            "name the data it was exported with: --data"
        )
    return None


def refuse_other_order(bundle: Bundle, data: Dataset) -> None:
    """Refuse data that number the bundle's labels otherwise: every answer would be counted as another.

    Raises
    ------
    BundleError: the same labels in another order; labels of other names may still mean the same.

    """
    labels, names = bundle.manifest.labels, data.names
    if labels != names and sorted(labels) == sorted(names):
        raise BundleError(
            f"{bundle.path}: expected the labels in the order {', '.join(labels[:3])}, found {', '.join(names[:3])} in "
            f"{data.source}; the bundle's labels or the data's are swapped"
        )


def measure_parity(
    bundle: Bundle,
    files: Sequence[ModelFile],
    engines: Sequence[str],
    data: Dataset,
    progress: Progress,
    num_threads: int = 1,
    keep: Keep | None = None,
) -> list[ParityRow]:
    """Run each file in each engine that reads it, and compare with the bundle's reference.

    ``keep`` gets each run's answers. With it, a bundle without a reference for these data is no error: rows are then
    without a comparison, which is left to a machine that has one.

    Raises
    ------
    BundleError: the bundle has no reference, or one that belongs to other data, and nothing is to be kept.

    """
    why = why_no_reference(bundle, data)
    if why is not None and keep is None:
        raise BundleError(why)
    reference = None if why else bundle.reference()
    rows = []
    for file, engine in pairs(files, engines):
        progress(f"{file.path} in {engine}")
        try:
            answers = _answers(bundle, file, engine, data, num_threads)
        except EdgeDigitsError as error:
            told = str(error), error.exit_code
            rows.append(ParityRow(file.path, file.precision, engine, None, None, None, None, *told))
            continue
        if keep is not None:
            keep(file, answers)
        rows.append(_row(bundle, file, answers, answers.probabilities, reference, data))
    return rows


def pairs(files: Sequence[ModelFile], engines: Sequence[str]) -> list[tuple[ModelFile, str]]:
    """Each file with each engine that reads its format."""
    return [(file, engine) for file in files for engine in engines if ENGINES[engine].format == file.format]


def compare_outputs(bundle: Bundle, kept: Sequence[tuple[Path, Outputs]], data: Dataset) -> list[ParityRow]:
    """Compare outputs that were kept, here or elsewhere, with the bundle's reference.

    Raises
    ------
    BundleError: no reference for these data, or outputs of other files, other data, or another number of classes.

    """
    if why := why_no_reference(bundle, data):
        raise BundleError(why)
    reference = bundle.reference()
    files = {file.path: file for file in bundle.manifest.files}
    rows = []
    for path, outputs in kept:
        header, found = outputs.header, outputs.probabilities.shape[1]
        file = files.get(header.file)
        refuse_others(outputs, path, file.sha256 if file else None, data.sha256())
        if found != len(bundle.manifest.labels):
            raise BundleError(f"{path}: expected {len(bundle.manifest.labels)} classes, found {found}; save them anew")
        rows.append(_row(bundle, files[header.file], header, outputs.probabilities, reference, data))
    return rows


def _row(
    bundle: Bundle,
    file: ModelFile,
    ran: Inferences | Header,
    probabilities: NDArray[np.float32],
    reference: NDArray[np.float32] | None,
    data: Dataset,
) -> ParityRow:
    temperature = bundle.manifest.confidence.temperature
    comparison = None if reference is None else compare(probabilities, reference, data.labels, temperature)
    verdict = judge_variant(file.precision, comparison) if comparison else None
    return ParityRow(
        file.path, file.precision, ran.engine, ran.version, ran.machine if isinstance(ran, Header) else None,
        comparison, verdict, None, verdict.exit_code if verdict else 0,
    )  # fmt: skip


def _answers(bundle: Bundle, file: ModelFile, engine: str, data: Dataset, num_threads: int) -> Inferences:
    bundle.read(file)  # refuses a file that is not the one in the manifest
    return infer_isolated(bundle.path / file.path, engine, data.images, num_threads)


def changed_digits(
    old: Bundle, new: Bundle, variant: str | None, engine: str, data: Dataset, num_threads: int = 1
) -> tuple[ModelFile, ModelFile, Comparison]:
    """Which answers change from one bundle's variant to another's, in the same engine.

    Raises
    ------
    BundleError: a variant is not there, or the two models do not have the same labels.

    """
    if old.manifest.labels != new.manifest.labels or old.manifest.image != new.manifest.image:
        raise BundleError(
            f"{new.path}: expected the labels and image size of {old.path}, found others; compare like with like"
        )
    before, after = (bundle.pick(variant, [ENGINES[engine].format]) for bundle in (old, new))
    first = _answers(old, before, engine, data, num_threads)
    second = _answers(new, after, engine, data, num_threads)
    return (
        before,
        after,
        compare(second.probabilities, first.probabilities, data.labels, new.manifest.confidence.temperature),
    )
