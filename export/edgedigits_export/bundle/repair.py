"""Repair the integer files of an export that lose more than the margin, on images that do not judge the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from edgedigits.errors import EdgeDigitsError
from edgedigits.input_shapes import InputShape
from edgedigits.manifest import Repair, RepairTrial
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.rounds import Plan, measure_rounds
from edgedigits.parts import Progress
from edgedigits.verification.compare import Comparison
from edgedigits.verification.inference import infer_isolated
from edgedigits.verification.statistics import Z95, tango
from edgedigits_export.bundle.job import ExportJob, RepairChoice
from edgedigits_export.bundle.keras_reference import KerasReference, expected_of
from edgedigits_export.compat.requirements import read_requirements
from edgedigits_export.compat.runs_on import why_refused
from edgedigits_export.convert.harm import on_disk
from edgedigits_export.convert.recipe import RangeMethod, Recipe, WeighedOperator
from edgedigits_export.convert.variants import ConvertedFile, Converter, Variant
from edgedigits_export.convert.worker import ENGINES
from edgedigits_export.repair.search import search
from edgedigits_export.repair.trial import Trial

# The one that is chosen of many looks better than it is. So the bound of 99.9 % has to be within the margin, where the
# images are enough for it: then other images are likely to find that of 95 % within it.
_BOUNDS = {"99.9 %": 3.29, "95 %": Z95}
_LATENCY = Plan(processes=3, seconds=0.05, runs=30)


@dataclass(frozen=True, slots=True)
class Repaired:
    """The file that a repair chose, or the one that there was, and the record of what was tried."""

    file: ConvertedFile
    record: Repair


class Repairer:
    """Searches, for one job, for integer files within the margin."""

    def __init__(self, job: ExportJob, choice: RepairChoice, converter: Converter, progress: Progress) -> None:
        """Take a job, the options of its repairs, and the converter that has its model."""
        self._job, self._choice, self._converter, self._progress = job, choice, converter, progress

    @cached_property
    def _keras(self) -> KerasReference:
        data = self._job.choosing
        return expected_of(self._job, self._job.model.predict(data.images), data)

    def needs_repair(self, file: ConvertedFile, judged: Comparison, outcome: str) -> bool:
        """Return whether a file was found outside the margin, or one of the targets refuses it.

        Where so few images judge that even a perfect file would stay undecided, the drop itself decides.
        """
        if file.variant.precision != "int8":
            return False
        if self._refused(file.data, file.variant) is not None:
            return True
        if outcome == "undecided" and not _can_tell(judged.accuracy.count, self._job.gate.margin):
            return judged.drop > self._job.gate.margin
        return outcome != "passed"

    def repair(self, file: ConvertedFile) -> Repaired:
        """Search for the cheapest file of this variant within the margin."""
        variant, name = file.variant, file.variant.name
        self._progress(f"{name} is outside the margin: searching for the cheapest file within it")

        def weigh(ranges: RangeMethod) -> list[WeighedOperator]:
            return self._converter.weigh(variant, ranges, lambda line: self._progress(f"{name}: {line}"))

        found = search(lambda recipe: self._try(variant, recipe), weigh)
        chosen = found.best
        recipe = chosen.recipe if chosen else Recipe()
        record = Repair(
            ranges=recipe.ranges,
            in_float=recipe.in_float,
            runs_on=tuple(str(target) for target in self._choice.runs_on),
            chosen_on=self._job.choosing.source,
            count=len(self._job.choosing),
            bound=self._bound,
            found=chosen is not None,
            tried=tuple(_record(trial, chosen) for trial in found.tried),
        )
        return Repaired(self._converter.convert(variant, recipe) if chosen else file, record)

    @cached_property
    def _bound(self) -> str | None:
        """The confidence of the bound that has to be within the margin; None where so few images allow none."""
        count, margin = len(self._job.choosing), self._job.gate.margin
        return next((name for name, z in _BOUNDS.items() if _can_tell(count, margin, z)), None)

    def _try(self, variant: Variant, recipe: Recipe) -> Trial:
        data, margin = b"", self._job.gate.margin
        try:
            data = self._converter.convert(variant, recipe).data
            refused = self._refused(data, variant)
            compared = None if refused else self._compare(data, variant)
            microseconds = self._latency(data, variant) if compared and self._choice.measure else None
        except EdgeDigitsError as error:
            refused, compared, microseconds = str(error), None, None
        if compared is None:
            return Trial(recipe, len(data), math.inf, math.inf, math.inf, within=False, refused=refused)
        high = self._high(compared)
        within = high <= margin and math.isfinite(compared.max_abs_difference)
        trial = Trial(recipe, len(data), compared.drop, high, compared.kl, within, microseconds)
        self._progress(f"{variant.name}: {_words(trial)}")
        return trial

    def _compare(self, data: bytes, variant: Variant) -> Comparison:
        with on_disk(data, f".{variant.format}") as path:
            run = infer_isolated(
                path,
                ENGINES[variant.format],
                self._job.choosing.images,
                progress=lambda done: self._progress(f"{variant.name}: {done}"),
            )
        return self._keras.compare(run.probabilities, self._job.confidence.temperature)

    def _high(self, compared: Comparison) -> float:
        """Return the upper bound that has to be within the margin; where there is none, the drop itself."""
        if self._bound is None:
            return compared.drop
        return 100 * tango(compared.lost, compared.gained, compared.accuracy.count, _BOUNDS[self._bound])[1]

    def _refused(self, data: bytes, variant: Variant) -> str | None:
        if not self._choice.runs_on:
            return None
        return why_refused(read_requirements(data, variant.format), variant.format, self._choice.runs_on)

    def _latency(self, data: bytes, variant: Variant) -> float | None:
        with on_disk(data, f".{variant.format}") as path:
            shape = InputShape("image", (1, *self._job.model.input_shape))
            configuration = Configuration(
                str(path), path.name, len(data), sha256(data).hexdigest(), None, variant.name, ENGINES[variant.format],
                threads=1, options={}, batch=1, shapes=(shape,), images=None,
            )  # fmt: skip
            result, _ = measure_rounds([configuration], _LATENCY, lambda _: None)
        summary = result.rows[0].summary
        return None if summary is None else summary.p50_us


def _record(trial: Trial, chosen: Trial | None) -> RepairTrial:
    finite = math.isfinite(trial.drop)
    return RepairTrial(
        ranges=trial.recipe.ranges,
        in_float=len(trial.recipe.in_float),
        bytes=trial.bytes,
        drop=trial.drop if finite else None,
        high=trial.high if finite else None,
        microseconds=trial.microseconds,
        within=trial.within,
        chosen=trial is chosen,
        refused=trial.refused,
    )


def _words(trial: Trial) -> str:
    time = "" if trial.microseconds is None else f", {trial.microseconds:.1f} µs"
    return (
        f"ranges by {trial.recipe.ranges}, {len(trial.recipe.in_float)} operators in float: {trial.bytes:,} bytes"
        f"{time}, accuracy {0 - trial.drop:+.2f} points"
    )


def _can_tell(count: int, margin: float, z: float = Z95) -> bool:
    """Return whether a file without any discordant answer would be found within the margin by so many images."""
    return 100 * z * z / (z * z + count) <= margin
