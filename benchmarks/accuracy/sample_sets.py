"""All sets of single pictures by name: how each is made, and how many of it a report judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from canvas import arrays, canvas
from corrupted import corrupted
from drawing import Sample
from elsewhere import NotHere
from folders import folder
from letters import letters
from negatives import negatives
from pages import pages
from phone import empty_cells, pen_cells, printed_cells
from scanners import envelopes, forms
from scans import scans

# What thresholds are chosen on never judges: validation digits and one seed, test digits and another.
TUNING_SEED, JUDGING_SEED = 1, 2
MARGIN = 0.15  # of a digit's height, around its box on a page


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose MNIST digits (``validation`` or ``test``), the seed, how many (of each kind), where other data is."""

    split: str
    seed: int
    count: int
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A set: what it is in a few words, how it is made, how many a report judges, and the least to reach."""

    title: str
    make: Callable[[Asked], Iterator[Sample]]
    count: int
    goal: float | None = None


def page_digits(asked: Asked) -> Iterator[Sample]:
    """Digits cut out of pages where they are known to be; neighbours and rulings reach into the cut."""
    left = asked.count
    for page in pages(asked.split, asked.seed, asked.count):
        labels = "".join("".join(words) for words in page.lines)
        for label, (top, first, bottom, last) in zip(labels[:left], page.boxes[:left], strict=True):
            margin = round(MARGIN * (bottom - top))
            cut = page.image[max(top - margin, 0) : bottom + margin, max(first - margin, 0) : last + margin]
            yield Sample(np.ascontiguousarray(cut), label, "page", page.made)
        left -= len(labels)
        if left <= 0:
            return


def _folder(asked: Asked) -> Iterator[Sample]:
    if asked.data is None:
        raise NotHere("a folder of label folders: name it with --data")
    return folder(asked.data, asked.seed, asked.count)


SETS: dict[str, Kind] = {
    "mnist": Kind("MNIST, arrays", lambda a: arrays(a.split, a.seed, a.count), 10_000),
    "canvas": Kind("MNIST as PNG on a canvas", lambda a: canvas(a.split, a.seed, a.count), 10_000, 0.99),
    "data": Kind("drawn digits (`--data`)", _folder, 1_000, 0.999),
    "scans": Kind("load_digits, 8×8", lambda a: scans(a.seed, a.count), 1_797, 0.985),
    "corrupted": Kind("corrupted MNIST, severity 1-3", lambda a: corrupted(a.split, a.seed, a.count), 500),
    "pen_cells": Kind("pen digits in newsprint cells", lambda a: pen_cells(a.split, a.seed, a.count), 2_000),
    "printed_cells": Kind("printed digits in newsprint cells", lambda a: printed_cells(a.seed, a.count), 2_000),
    "envelopes": Kind("grey 16×16 scans", lambda a: envelopes(a.split, a.seed, a.count), 2_000),
    "forms": Kind("binary 32×32 scans", lambda a: forms(a.split, a.seed, a.count), 2_000),
    "page_digits": Kind("digits cut out of pages", page_digits, 2_000),
    "letters": Kind("letters of Debian fonts", lambda a: letters(a.seed, a.count), 1_400, 0.8),
    "empty_cells": Kind("empty newsprint cells", lambda a: empty_cells(a.seed, a.count), 1_000),
    "negatives": Kind("noise and empty paper", lambda a: negatives(a.seed, a.count), 1_000, 0.95),
}
