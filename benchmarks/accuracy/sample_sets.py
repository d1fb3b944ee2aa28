"""The sets of single pictures that `reading` reports."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy.canvas import arrays, canvas
from benchmarks.accuracy.letters import letters
from benchmarks.accuracy.public_digits import folder, scans
from benchmarks.accuracy.samples import LabelledPicture

# The seed that chooses thresholds, on validation digits, is another than that of the report, on test digits.
TUNING_SEED, REPORT_SEED = 1, 2
SMALLEST = 20


@dataclass(frozen=True, slots=True)
class SampleSet:
    """A set: its title in tables, the function of seed and count that yields it, its size, the share to reach."""

    title: str
    samples: Callable[[int, int], Iterator[LabelledPicture]]
    count: int
    goal: float | None = None


def report_sets(data: Path | None) -> dict[str, SampleSet]:
    """Return the sets of a report; ``data`` is a folder of label folders with drawn digits."""
    drawn = {} if data is None else {
        "data": SampleSet("drawn digits (`--data`)", lambda seed, count: folder(data, seed, count), 1_000, 0.999)
    }  # fmt: skip
    return {
        "mnist": SampleSet("MNIST, arrays", lambda seed, count: arrays("test", seed, count), 10_000),
        **drawn,
        "scans": SampleSet("load_digits, 8×8", scans, 1_797, 0.985),
        "canvas": SampleSet("generated: MNIST on a canvas", lambda s, count: canvas("test", s, count), 10_000, 0.99),
        "letters": SampleSet("generated: letters of Debian fonts", letters, 1_400, 0.8),
    }


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` to the options of a benchmark."""
    parser.add_argument("--data", type=Path, help="folder of label folders with drawn digits, such as hwd-1000")
