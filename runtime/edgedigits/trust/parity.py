"""Parity: every variant in every installed engine against Keras, or one bundle against another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError, EdgeDigitsError
from edgedigits.manifest import ModelFile
from edgedigits.trust.answers import Answers, answer_apart
from edgedigits.trust.compare import Comparison, compare
from edgedigits.trust.gates import failures

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ParityRow:
    """One variant in one engine: a comparison and what the gate has against it, or the error that prevented it."""

    file: str
    precision: str
    engine: str
    version: str | None
    comparison: Comparison | None
    failed: tuple[str, ...]
    error: str | None
    exit_code: int


def measure_parity(
    bundle: Bundle,
    files: Sequence[ModelFile],
    engines: Sequence[str],
    data: Dataset,
    progress: Progress,
    num_threads: int = 1,
) -> list[ParityRow]:
    """Compare each file in each engine that reads it with the bundle's reference.

    Raises
    ------
    BundleError: the bundle has no reference, or one that belongs to other data.

    """
    reference = bundle.reference()
    if reference is None:
        raise BundleError(f"{bundle.path}: holds no reference.npz to compare with; export the model again")
    known = bundle.manifest.reference
    if data.sha256() != known.dataset_sha256 or len(reference) != len(data):
        raise BundleError(
            f"{bundle.path}: its reference belongs to {known.source} ({known.keras.count} images, "
            f"{known.dataset_sha256[:12]}), found {data.source} ({len(data)}, {data.sha256()[:12]}); "
            "name the data it was exported with: --data"
        )
    rows = []
    for file, engine in pairs(files, engines):
        progress(f"{file.path} in {engine}")
        rows.append(_row(bundle, file, engine, reference, data, num_threads))
    return rows


def pairs(files: Sequence[ModelFile], engines: Sequence[str]) -> list[tuple[ModelFile, str]]:
    """Each file with each engine that reads its format."""
    return [(file, engine) for file in files for engine in engines if ENGINES[engine].format == file.format]


def _row(
    bundle: Bundle, file: ModelFile, engine: str, reference: NDArray[np.float32], data: Dataset, num_threads: int
) -> ParityRow:
    try:
        answers = _answers(bundle, file, engine, data, num_threads)
    except EdgeDigitsError as error:
        return ParityRow(file.path, file.precision, engine, None, None, (), str(error), error.exit_code)
    comparison = compare(answers.probabilities, reference, data.labels)
    failed = failures(file.precision, comparison)
    return ParityRow(
        file.path, file.precision, engine, answers.version, comparison, tuple(failed), None, int(bool(failed))
    )


def _answers(bundle: Bundle, file: ModelFile, engine: str, data: Dataset, num_threads: int) -> Answers:
    bundle.read(file)  # refuses a file that is not the one in the manifest
    return answer_apart(bundle.path / file.path, engine, data.images, num_threads)


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
    return before, after, compare(second.probabilities, first.probabilities, data.labels)
