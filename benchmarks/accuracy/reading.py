"""How well are digits read? The shipped model, int8 and float32, on real pictures first, on generated ones second.

`python -m benchmarks.accuracy.reading [--photographs FOLDER] [--data FOLDER] [-o FILE]`, or `make reading`. Photographs
are measured together with peers that read them. What cannot be had on this machine is named with the reason.
`python -m benchmarks.accuracy.reading --help` tells how the photographs are laid out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import photographs
from benchmarks.accuracy.canvas import arrays, digits
from benchmarks.accuracy.grid_counts import classify_cells, read_photographs
from benchmarks.accuracy.page_errors import count_errors, count_false
from benchmarks.accuracy.page_readers import PEERS, Reader, ReaderError, own_megabytes, own_reader
from benchmarks.accuracy.pages import number_pages, text_pages
from benchmarks.accuracy.photographs import HALVES, MARGINS, TITLES, Photograph, load_photographs
from benchmarks.accuracy.reading_tables import reading_tables
from benchmarks.accuracy.sample_sets import SEED, SMALLEST, SampleSet, corrupted_sets, generated_sets, real_sets
from benchmarks.accuracy.samples import evaluate_samples, summary
from benchmarks.harness.benchmark import Benchmark, Result, describe_shipped, progress
from benchmarks.harness.venvs import InstallError
from edgedigits import DigitClassifier, __version__
from edgedigits.bundle import Variant
from edgedigits.engines import EngineName
from edgedigits.errors import DatasetError, TargetError

VARIANTS: tuple[Variant, ...] = ("int8", "float32")
ENGINE: EngineName = "litert"
PAGES, SMALLEST_PAGES = 30, 1
# Kinds of pages of numbers, as the arguments of `number_pages`.
NUMBERS = {
    "printed": {"by_hand": False, "marks": False}, "printed, with marks": {"by_hand": False, "marks": True},
    "by hand": {"by_hand": True, "marks": False}, "by hand, with marks": {"by_hand": True, "marks": True},
}  # fmt: skip

Classifiers = Mapping[str, DigitClassifier]
# The photographs of each half of each set.
Halves = dict[str, dict[str, list[Photograph]]]


def measure(args: argparse.Namespace) -> Result:
    """Measure everything with every variant, and peers on the photographs."""
    classifiers: Classifiers = {one: DigitClassifier(variant=one, engine=ENGINE) for one in VARIANTS}
    found: Result = {"photographs": {}, "readers": {}}
    if args.photographs:
        found = measure_photographs(classifiers, photographs_of(args.photographs, args.half, smallest=args.smallest))
        found["readers"]["edgedigits"]["megabytes"] = None if args.smallest else own_megabytes()
    return {
        **describe_shipped(("edgedigits", "numpy", "pillow", ENGINE)),
        "smallest": args.smallest,
        "half": args.half, "split": "test", "seed": SEED, "digits_sha256": digits("test").sha256(),
        "source": photographs.SOURCE, "margins": MARGINS, **found,
        **measure_sets(classifiers, args.data, smallest=args.smallest),
        "pages": measure_pages(classifiers, SMALLEST_PAGES if args.smallest else PAGES),
    }  # fmt: skip


def measure_photographs(classifiers: Classifiers, halves: Halves) -> Result:
    """Return the counts of each half of each set, for cells and whole photographs, and who read them."""
    found: Result = {
        name: {half: {"cells": {}, "pages": {}} for half in parts} for name, parts in halves.items()
    }  # fmt: skip
    for name, parts in halves.items():
        for half, pictures in parts.items():
            progress(f"{name}, {half}: {len(pictures)} photographs")
            for variant, classifier in classifiers.items():
                found[name][half]["cells"][variant] = {
                    cut: classify_cells(classifier, pictures, margin) for cut, margin in MARGINS.items()
                }
    ways = {variant: own_reader(classifier) for variant, classifier in classifiers.items()}
    own = Reader(__version__, None, ways)
    readers: dict[str, Any] = {"edgedigits": _read_with(own, "edgedigits", halves, found)}
    for name, start in PEERS.items():
        progress(name)
        try:
            with start() as reader:
                readers[name] = _read_with(reader, name, halves, found)
        except ReaderError as error:
            readers[name] = {"skipped": str(error)}
    return {"photographs": found, "readers": readers}


def _read_with(reader: Reader, name: str, halves: Halves, found: Result) -> Result:
    """Put the counts of what a program reads into ``found``, under its name and setting; return what it is."""
    counts = {
        (group, half, way): read_photographs(read, pictures)
        for group, parts in halves.items()
        for half, pictures in parts.items()
        for way, read in reader.ways.items()
    }
    for (group, half, way), told in counts.items():
        found[group][half]["pages"].setdefault(name, {})[way] = told
    return {"version": reader.version, "megabytes": reader.megabytes}


def measure_sets(classifiers: Classifiers, data: Path | None, *, smallest: bool) -> Result:
    """Return the summaries of all sets of single pictures."""

    def evaluate(one: SampleSet) -> Result:
        return _evaluate_set(one, classifiers, SMALLEST if smallest else one.count)

    real = {name: evaluate(one) for name, one in real_sets(data).items()}
    for variant, classifier in classifiers.items():
        found = real["mnist"]["variants"][variant]
        found["bare"] = _accuracy_alone(classifier, found["n"])
    return {
        "real": real,
        "generated": {name: evaluate(one) for name, one in generated_sets().items()},
        "corrupted": {
            kind: {level: evaluate(one) for level, one in levels.items()} for kind, levels in corrupted_sets().items()
        },
    }


def measure_pages(classifiers: Classifiers, count: int) -> Result:
    """Return what `read` gets wrong on generated pages, or the reason why they cannot be drawn here."""
    found: Result = {"print": {}, "numbers": {kind: {} for kind in NUMBERS}}
    try:
        for variant, classifier in classifiers.items():
            progress(f"pages, {variant}")
            found["print"][variant] = count_false(classifier, text_pages(SEED, count))
            for kind, options in NUMBERS.items():
                found["numbers"][kind][variant] = count_errors(classifier, number_pages(SEED, count, **options))
    except TargetError as error:
        return {"skipped": str(error)}
    return found


def _evaluate_set(one: SampleSet, classifiers: Classifiers, count: int) -> Result:
    """Return the summary of a set for every classifier, or the reason why it cannot be had here."""
    progress(one.title)
    variants = {}
    for variant, classifier in classifiers.items():
        try:
            variants[variant] = summary(evaluate_samples(classifier, one.samples(SEED, count)))
        except (InstallError, TargetError, DatasetError) as error:
            return {"title": one.title, "skipped": str(error)}
    return {"title": one.title, "variants": variants}


def _accuracy_alone(classifier: DigitClassifier, count: int) -> float:
    """Return the accuracy of the model alone over the same digits, without preprocessing or refusals."""
    samples = list(arrays("test", SEED, count))
    classes = classifier.classify_batch(np.stack([sample.image for sample in samples])).argmax(axis=1)
    return float(np.mean([str(found) == sample.truth for found, sample in zip(classes, samples, strict=True)]))


def photographs_of(folder: Path, asked: str, *, smallest: bool) -> Halves:
    """Return the photographs of the halves that were asked for; of the smallest run one of each."""
    halves: Halves = {}
    for name in TITLES:
        every = load_photographs(folder / name)
        for half in HALVES if asked == "both" else (asked,):
            chosen = [one for one in every if one.half == half][: 1 if smallest else None]
            if chosen:
                halves.setdefault(name, {})[half] = chosen
    return halves


def _options(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, photographs.__doc__
    parser.add_argument("--photographs", type=Path, metavar="FOLDER", help="sets of photographs, laid out as below")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="label folders of drawn digits, such as hwd-1000")
    parser.add_argument(
        "--half", choices=(*HALVES, "both"), default="both",
        help="photographs with odd or even numbers alone; odd ones may be looked at while something is chosen",
    )  # fmt: skip


BENCHMARK = Benchmark("reading", "Measure how well digits are read.", measure, reading_tables, options=_options)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
