"""A measurement as a file: every raw time, the machine, and what was doubtful."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgedigits.errors import InputError
from edgedigits.measure.conditions import Conditions
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.machine import Machine
from edgedigits.measure.sample import Sample
from edgedigits.measure.summary import Summary
from edgedigits.records import Count, from_plain

SCHEMA: Literal["edgedigits/bench/2"] = "edgedigits/bench/2"


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One configuration.

    Attributes
    ----------
    version: of the engine; None where no process came to say.
    summary: None after an error, and on an emulated machine, whose times say nothing.
    doubts: why its figures are not to be trusted.
    processes: in the order of the rounds, so that the same place in two rows is the same time.
    error: what prevented it, or None.

    """

    configuration: Configuration
    version: str | None
    summary: Summary | None
    doubts: tuple[str, ...]
    processes: tuple[Sample, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One configuration, with what decides.

    Attributes
    ----------
    figure_us, ci95_us: the objective, over its processes.
    drop: of accuracy against Keras, in percentage points, as the manifest has it.
    against: why it is out of the question; None where it is not.

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
    """The best candidate, why it is, and all of them, fastest first."""

    best: Candidate
    why: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """All of one measurement.

    Attributes
    ----------
    edgedigits, numpy, pillow: their versions; each row has its engine's.
    started: seconds since 1970.
    processes, seconds, runs: asked of each configuration: processes, and steady state of each of them at least.
    complete: False when it was interrupted.
    withheld: why there are no times; None where there are.
    warnings: about the machine; each row has its own doubts.
    absent: what the machine does not tell of itself.
    recommendation: what to ship, where that was asked.

    """

    schema: Literal["edgedigits/bench/2"]
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

    def trouble(self) -> list[str]:
        """Everything that makes a figure doubtful, each with what it is about."""
        return [*self.warnings, *(f"{row.configuration.name}: {doubt}" for row in self.rows for doubt in row.doubts)]


def read_result(path: Path) -> Result:
    """Read what ``bench -o`` stored.

    Raises
    ------
    InputError: it cannot be read, or is not of this schema.

    """
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); expected what bench -o stored"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON that bench -o stored, found something else ({error})") from error
    found = values.get("schema") if isinstance(values, dict) else None
    if found != SCHEMA:
        raise InputError(f"{path}: expected a measurement of schema {SCHEMA}, found {found!r}; measure anew")
    result = from_plain(Result, values, str(path))
    for row in result.rows:
        for sample in row.processes:
            _refuse_senseless(sample, f"{path}: {row.configuration.name}")
    return result


def _refuse_senseless(sample: Sample, where: str) -> None:
    """A file may have been edited: figures of no times, or of stages that do not belong together, are none."""
    lengths = {len(times) for times in sample.stages().values()}
    if len(lengths) != 1 or lengths == {0} or not (sample.total() > 0).all():
        raise InputError(f"{where}: expected times above 0, as many in every stage, found others; measure anew")
