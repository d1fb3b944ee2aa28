"""The result of a measurement, and its file: every raw time, the machine, the conditions, and what is doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgedigits.errors import InputError
from edgedigits.json_text import parse_json
from edgedigits.measure.conditions import Conditions
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.machine import Machine
from edgedigits.measure.sample import Sample
from edgedigits.measure.summary import Summary
from edgedigits.records import Count, from_plain
from edgedigits.regular_files import read_regular

SCHEMA: Literal["edgedigits/bench/3"] = "edgedigits/bench/3"
_LARGEST = 256 << 20  # bytes: every single time of hours


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """The measurement of one configuration.

    Attributes
    ----------
    version: the release of the engine; None where no process reported it.
    summary: None after an error, and on an emulated machine, whose times are meaningless.
    doubts: why the figures may not be trustworthy.
    processes: one sample for each round in which it was measured, in their order.
    error: why measuring failed; None if it did not.

    """

    configuration: Configuration
    version: str | None
    summary: Summary | None
    doubts: tuple[str, ...]
    processes: tuple[Sample, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One configuration with the figures that decide a recommendation.

    Attributes
    ----------
    figure_us, ci95_us: the median of the objective over processes and its 95 % interval, in microseconds.
    drop: the drop of accuracy against Keras in the manifest, in percentage points.
    against: which limits it misses; None where it meets all.

    """

    name: str
    file: str
    bytes: int
    engine: str
    threads: int
    figure_us: float
    ci95_us: tuple[float, float]
    drop: float
    against: str | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The best candidate, the reason, and all candidates, fastest first."""

    best: Candidate
    why: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one measurement.

    Attributes
    ----------
    edgedigits, numpy, pillow: their versions; each row has the version of its engine.
    started: when it started, in seconds since 1970.
    processes: the number of processes for each configuration.
    seconds, runs: the least duration and the least number of inferences of the steady state of each process.
    complete: False when the measurement was interrupted.
    withheld: why times are withheld; None where they are not.
    warnings: doubtful conditions of the machine; each row has its own doubts.
    absent: the conditions that the machine does not report.
    recommendation: what to ship; None unless it was requested.

    """

    schema: Literal["edgedigits/bench/3"]
    edgedigits: str
    numpy: str
    pillow: str
    started: float
    machine: Machine
    processes: Count
    seconds: float
    runs: Count
    complete: bool
    withheld: str | None
    conditions: Conditions
    warnings: tuple[str, ...]
    absent: tuple[str, ...]
    rows: tuple[MeasuredRow, ...]
    recommendation: Recommendation | None

    def all_warnings(self) -> list[str]:
        """Return the warnings about the machine, and the doubts of each row with its name."""
        return [*self.warnings, *(f"{row.configuration.name}: {doubt}" for row in self.rows for doubt in row.doubts)]


def read_result(path: Path) -> Result:
    """Read a result that ``bench -o`` stored.

    Raises
    ------
    InputError: the file cannot be read, or has another schema.

    """
    try:
        values = parse_json(read_regular(path, _LARGEST))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); give a file that bench -o stored"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: expected JSON that bench -o stored, found something else ({error})") from error
    schema = values.get("schema") if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path}: expected a measurement of schema {SCHEMA}, found {schema!r}; measure again")
    result = from_plain(Result, values, str(path))
    for row in result.rows:
        for sample in row.processes:
            _require_plausible_times(sample, f"{path}: {row.configuration.name}")
    return result


def _require_plausible_times(sample: Sample, where: str) -> None:
    """Raise where a file, which may have been edited, has no times, or stages of different lengths."""
    lengths = {len(times) for times in sample.stages().values()}
    if len(lengths) != 1 or lengths == {0} or not (sample.total() > 0).all():
        raise InputError(f"{where}: expected positive times, as many in every stage, found others; measure again")
