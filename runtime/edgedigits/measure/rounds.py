"""Measure configurations in rounds of fresh processes, so that whatever drifts meets all alike."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import PIL

from edgedigits import __version__
from edgedigits.errors import EdgeDigitsError
from edgedigits.isolation import run_isolated
from edgedigits.measure.conditions import Watch
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.machine import describe_machine
from edgedigits.measure.result import SCHEMA, MeasuredRow, Result
from edgedigits.measure.sample import Sample
from edgedigits.measure.summary import doubts, summarise
from edgedigits.records import from_plain, to_plain
from edgedigits.system_info.source import SystemSource, this_machine

WITHHELD = "an emulated board's times say nothing about the board's: emulation proves compatibility and numerics"

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure of each configuration: fresh processes, and at least so long and so often in each.

    ``worker`` is the module that measures.
    """

    processes: int = 10
    seconds: float = 0.1
    runs: int = 100
    worker: str = "edgedigits.measure.worker"


@dataclass(slots=True)
class _Open:
    """A row that is being measured."""

    configuration: Configuration
    samples: list[Sample] = field(default_factory=list)
    error: EdgeDigitsError | None = None


def measure_rounds(
    configurations: Sequence[Configuration], plan: Plan, progress: Progress, source: SystemSource | None = None
) -> tuple[Result, int]:
    """Measure every configuration once a round; returns the result and the highest exit code of its errors.

    A configuration that fails is left out of later rounds. Ctrl-C ends the rounds: the result has what was measured
    until then, and is not complete.
    """
    source = source or this_machine()
    started, watch = time.time(), Watch(source)
    rows, complete = [_Open(configuration) for configuration in configurations], True
    try:
        for number in range(plan.processes):
            # Every other round the other way about: what a process leaves behind meets each neighbour alike.
            for row in rows[:: 1 if number % 2 == 0 else -1]:
                if row.error is None:
                    progress(f"round {number + 1} of {plan.processes}: {row.configuration.name}")
                    _run(row, plan)
    except KeyboardInterrupt:
        complete = False
    machine, conditions = describe_machine(source), watch.end()
    result = Result(
        schema=SCHEMA,
        edgedigits=__version__,
        numpy=np.__version__,
        pillow=PIL.__version__,
        started=started,
        machine=machine,
        processes=plan.processes,
        seconds=plan.seconds,
        runs=plan.runs,
        complete=complete,
        withheld=WITHHELD if machine.emulated else None,
        conditions=conditions,
        warnings=() if machine.emulated else tuple(conditions.warnings()),
        absent=tuple(conditions.absent()),
        rows=tuple(_closed(row, emulated=machine.emulated) for row in rows),
        recommendation=None,
    )
    return result, max((row.error.exit_code for row in rows if row.error), default=0)


def _run(row: _Open, plan: Plan) -> None:
    words = [json.dumps(to_plain(row.configuration)), str(plan.seconds), str(plan.runs)]
    name = row.configuration.name
    try:
        row.samples.append(from_plain(Sample, run_isolated(plan.worker, words, name), name))
    except EdgeDigitsError as error:
        row.error = error


def _closed(row: _Open, *, emulated: bool) -> MeasuredRow:
    version = row.samples[0].version if row.samples else None
    error = None if row.error is None else str(row.error)
    if emulated or not row.samples:
        return MeasuredRow(row.configuration, version, None, (), (), error)
    summary = summarise(row.samples, row.configuration.batch)
    return MeasuredRow(
        row.configuration, version, summary, tuple(doubts(row.samples, summary)), tuple(row.samples), error
    )
