"""The self-test: run every variant in every installed engine over the golden inputs of the bundle, on this device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgedigits.bundle import Bundle
from edgedigits.errors import EdgeDigitsError
from edgedigits.manifest import ModelFile, ReferenceEngine
from edgedigits.verification.golden import GoldenResult, check_golden
from edgedigits.verification.inference import infer_isolated
from edgedigits.verification.parity import pairs
from edgedigits.wrapping import wrapping_of


@dataclass(frozen=True, slots=True)
class SelftestRow:
    """One variant in one engine: the result on the golden inputs, or the error that prevented it."""

    file: str
    engine: str
    result: GoldenResult | None
    error: str | None
    exit_code: int


def selftest(
    bundle: Bundle, files: Sequence[ModelFile], engines: Sequence[str], num_threads: int = 1
) -> list[SelftestRow]:
    """Run each file in each engine that reads it over all golden inputs, each in a process of its own."""
    return [_row(bundle, file, engine, num_threads) for file, engine in pairs(files, engines)]


def _row(bundle: Bundle, file: ModelFile, engine: str, num_threads: int) -> SelftestRow:
    try:
        bundle.read(file)  # raises if the file is not the one in the manifest
        wrapping = wrapping_of(bundle.manifest, file)
        images = bundle.golden().images
        inferences = infer_isolated(bundle.path / file.path, engine, images, num_threads, wrapping=wrapping)
        release = ReferenceEngine(engine, inferences.version)
        result = check_golden(bundle, file, inferences.probabilities, release)
    except EdgeDigitsError as error:
        return SelftestRow(file.path, engine, None, str(error), error.exit_code)
    return SelftestRow(file.path, engine, result, None, 0 if result.passed else 1)
