"""The sets of single pictures that `reading` reports: real ones, and generated ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.accuracy.canvas import arrays, canvas
from benchmarks.accuracy.corrupted import KINDS as CORRUPTIONS
from benchmarks.accuracy.corrupted import SEVERITIES, corrupted
from benchmarks.accuracy.letters import letters
from benchmarks.accuracy.no_digits import KINDS as NO_DIGITS
from benchmarks.accuracy.no_digits import no_digits
from benchmarks.accuracy.public_digits import folder, scans
from benchmarks.accuracy.samples import LabelledPicture

SEED = 2
SMALLEST = 10


@dataclass(frozen=True, slots=True)
class SampleSet:
    """A set: its title in tables, the function of seed and count that yields it, and its size."""

    title: str
    samples: Callable[[int, int], Iterator[LabelledPicture]]
    count: int


def real_sets(data: Path | None) -> dict[str, SampleSet]:
    """Return the sets of digits that people wrote; ``data`` is a folder of label folders with drawn digits."""
    drawn = {} if data is None else {"data": SampleSet("drawn digits (`--data`)", partial(folder, data), 1_000)}
    return {
        **drawn,
        "scans": SampleSet("load_digits, 8×8", scans, 1_797),
        "mnist": SampleSet("MNIST, arrays", partial(arrays, "test"), 10_000),
    }


def generated_sets() -> dict[str, SampleSet]:
    """Return the generated sets, of digits and of what is none."""
    return {
        "canvas": SampleSet("MNIST on a canvas", partial(canvas, "test"), 10_000),
        "letters": SampleSet("letters of Debian fonts", letters, 880),
        **{kind: SampleSet(kind, partial(no_digits, kind), 500) for kind in NO_DIGITS},
    }


def corrupted_sets() -> dict[str, dict[str, SampleSet]]:
    """Return corrupted digits, for each kind a set for each severity."""
    return {
        kind: {str(level): SampleSet(kind, partial(corrupted, kind, level), 500) for level in SEVERITIES}
        for kind in CORRUPTIONS
    }
