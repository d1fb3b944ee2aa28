"""Planted measurements: samples with given times, and results of them as ``bench -o`` stores them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from machines.recorded import pi

from edgedigits.input_shapes import InputShape
from edgedigits.measure.conditions import Conditions
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.machine import describe_machine
from edgedigits.measure.raw_times import pack_times
from edgedigits.measure.result import SCHEMA, MeasuredRow, Result
from edgedigits.measure.sample import Sample
from edgedigits.measure.summary import find_doubts, summarise
from edgedigits.model import lone_model
from edgedigits.records import from_plain, to_plain
from edgedigits.system_info.health import Health

# Medians of ten processes, in µs, as close together as those of a quiet machine.
STEADY = (10.0, 10.02, 9.98, 10.05, 9.95, 10.01, 9.99, 10.03, 9.97, 10.04)
QUIET = Health("performance", 48.0, (), 4000, 3000, 0)


def sample(median_us: float = 10.0, **changes: Any) -> Sample:
    """One process: 101 inferences that lie evenly from a tenth below the median to a tenth above it."""
    nanoseconds = np.rint(np.linspace(0.9, 1.1, 101) * median_us * 1000).astype(np.int64)
    values: dict[str, Any] = {
        "started": 1.8e9, "version": "2.3.0", "cpus": (3,), "load_ms": 0.5, "first_us": 50.0, "warmup_runs": 40,
        "settled": True, "timer_ns": 40.0, "times": {"infer": pack_times(nanoseconds)}, "rss_mb": 50.0,
        "peak_rss_mb": 60.0, "clock_mhz": None, "preempted": 0,
    }  # fmt: skip
    return Sample(**{**values, **changes})


def timed(*nanoseconds: int, **changes: Any) -> Sample:
    """One process of exactly these times."""
    return sample(times={"infer": pack_times(np.array(nanoseconds, np.int64))}, **changes)


def configuration(**changes: Any) -> Configuration:
    """The default file in LiteRT."""
    values: dict[str, Any] = {
        "path": "/bundles/small/small-int8.tflite", "file": "small-int8.tflite", "bytes": 59_312, "sha256": "a" * 64,
        "bundle": "b" * 64, "variant": "int8.tflite", "engine": "litert", "threads": 1, "options": {}, "batch": 1,
        "shapes": (InputShape("image", (1, 28, 28, 1)),), "images": None,
    }  # fmt: skip
    return Configuration(**{**values, **changes})


def lone(path: Path, engine: str, **changes: Any) -> Configuration:
    """A file without a bundle."""
    model = lone_model(path)
    values = {"path": str(path), "file": path.name, "bytes": len(model.data), "sha256": model.sha256, "engine": engine}
    return configuration(**{**values, "bundle": None, "variant": None, **changes})


def row(medians: Sequence[float] = STEADY, **changes: Any) -> MeasuredRow:
    """A row whose processes have these medians, in µs; none at all: one that failed."""
    config, samples = configuration(**changes), tuple(sample(median) for median in medians)
    if not samples:
        return MeasuredRow(config, None, None, (), (), "litert refuses the file")
    summary = summarise(samples, config.batch)
    return MeasuredRow(config, samples[0].version, summary, tuple(find_doubts(samples, summary)), samples, None)


def result(*rows: MeasuredRow, **changes: Any) -> Result:
    """The result of a measurement on a quiet Raspberry Pi 4."""
    machine = replace(describe_machine(pi("pi4", "bookworm").source()), emulated=False)
    values: dict[str, Any] = {
        "schema": SCHEMA, "edgedigits": "0.1.0", "numpy": "1.26.4", "pillow": "13.0.0", "started": 1.8e9,
        "machine": machine, "processes": 10, "seconds": 0.1, "runs": 100, "complete": True, "withheld": None,
        "conditions": Conditions(QUIET, QUIET, 0.0, 0.0), "warnings": (), "absent": (), "rows": rows or (row(),),
        "recommendation": None,
    }  # fmt: skip
    return Result(**{**values, **changes})


def store(path: Path, measured: Result) -> Path:
    """Write a measurement as ``bench -o`` does."""
    path.write_text(json.dumps(to_plain(measured)))
    return path


def times_by(factor: float, medians: Sequence[float] = STEADY) -> list[float]:
    """The same processes, all slower by a factor."""
    return [median * factor for median in medians]


def messages(stderr: str) -> list[str]:
    """The lines of a command's standard error without its progress, which has a line a round."""
    return [line for line in stderr.splitlines() if not line.startswith("round ")]


class Planted:
    """Replaces the processes that measure: returns the planted sample of each configuration, or raises its error."""

    def __init__(self, measure: Callable[[Configuration], Sample]) -> None:
        """Record every configuration that is measured."""
        self.configurations: list[Configuration] = []
        self.arguments: list[list[str]] = []
        self._measure = measure

    def __call__(self, module: str, arguments: list[str], _what: str) -> Any:
        """In place of `run_isolated`."""
        self.configurations.append(from_plain(Configuration, json.loads(arguments[0]), "planted"))
        self.arguments.append([module, *arguments[1:]])
        return json.loads(json.dumps(to_plain(self._measure(self.configurations[-1]))))


def plant(monkeypatch: pytest.MonkeyPatch, measure: Callable[[Configuration], Sample]) -> Planted:
    """Measure without processes, on a machine that is quiet."""
    from edgedigits.measure import conditions, rounds

    planted = Planted(measure)
    monkeypatch.setattr(rounds, "run_isolated", planted)
    monkeypatch.setattr(conditions, "MONITOR_SECONDS", 0)
    quiet = pi("pi4", "bookworm")
    files = quiet.files | {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n"}
    monkeypatch.setattr(rounds, "this_machine", lambda: replace(quiet, files=files).source())
    return planted
