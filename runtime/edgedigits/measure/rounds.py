"""Measure configurations in interleaved rounds of fresh processes, so that drift affects all of them alike."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import PIL

from edgedigits import __version__
from edgedigits.errors import EdgeDigitsError
from edgedigits.isolation import run_isolated
from edgedigits.measure.conditions import ConditionsMonitor
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.machine import describe_machine
from edgedigits.measure.result import SCHEMA, MeasuredRow, Result
from edgedigits.measure.sample import Sample
from edgedigits.measure.summary import find_doubts, summarise
from edgedigits.records import from_plain, to_plain
from edgedigits.system_info.source import SystemSource, this_machine

WITHHELD = "times on an emulated board say nothing about a real one: emulation verifies compatibility and numerics"

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure of each configuration.

    Attributes
    ----------
    processes: the number of fresh processes.
    seconds, runs: the least duration and the least number of inferences of the steady state of each process.
    worker: the module that measures in a process.

    """

    processes: int = 10
    seconds: float = 0.1
    runs: int = 100
    worker: str = "edgedigits.measure.worker"


@dataclass(slots=True)
class _UnfinishedRow:
    """A row that is being measured."""

    configuration: Configuration
    samples: list[Sample] = field(default_factory=list)
    error: EdgeDigitsError | None = None


def measure_rounds(
    configurations: Sequence[Configuration], plan: Plan, progress: Progress, source: SystemSource | None = None
) -> tuple[Result, int]:
    """Measure every configuration once in each round; return the result and the highest exit code of its errors.

    A configuration that fails is left out of later rounds. Ctrl-C ends the rounds: the result then has what was
    measured so far, and is marked as not complete. On an emulated board, whose times are withheld, there is one round,
    which shows that each configuration runs.
    """
    source = source or this_machine()
    machine = describe_machine(source)
    if machine.emulated:
        plan = replace(plan, processes=1)
    started, monitor = time.time(), ConditionsMonitor(source)
    rows, complete = [_UnfinishedRow(configuration) for configuration in configurations], True
    try:
        for number in range(plan.processes):
            # The order is reversed in every other round, so that no configuration always follows the same one.
            for row in rows[:: 1 if number % 2 == 0 else -1]:
                if row.error is None:
                    progress(f"round {number + 1} of {plan.processes}: {row.configuration.name}")
                    _measure_once(row, plan)
    except KeyboardInterrupt:
        complete = False
    conditions = monitor.end()
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
        rows=tuple(_finish(row, emulated=machine.emulated) for row in rows),
        recommendation=None,
    )
    return result, max((row.error.exit_code for row in rows if row.error), default=0)


def _measure_once(row: _UnfinishedRow, plan: Plan) -> None:
    arguments = [json.dumps(to_plain(row.configuration)), str(plan.seconds), str(plan.runs)]
    name = row.configuration.name
    try:
        row.samples.append(from_plain(Sample, run_isolated(plan.worker, arguments, name), name))
    except EdgeDigitsError as error:
        row.error = error


def _finish(row: _UnfinishedRow, *, emulated: bool) -> MeasuredRow:
    version = row.samples[0].version if row.samples else None
    error = None if row.error is None else str(row.error)
    if emulated or not row.samples:
        return MeasuredRow(row.configuration, version, None, (), (), error)
    summary = summarise(row.samples, row.configuration.batch)
    return MeasuredRow(
        row.configuration, version, summary, tuple(find_doubts(row.samples, summary)), tuple(row.samples), error
    )
