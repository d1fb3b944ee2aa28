"""How well are single digits read, and what is no digit refused? The shipped model, int8 and float32.

`python -m benchmarks.accuracy.reading [--data FOLDER] [-o FILE]`, or `make reading`. The table names sets that cannot
be had on this machine, with the reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.accuracy.canvas import arrays, digits
from benchmarks.accuracy.reading_tables import sets_table
from benchmarks.accuracy.sample_sets import REPORT_SEED, SMALLEST, SampleSet, add_data_option, report_sets
from benchmarks.accuracy.samples import evaluate_samples, summary
from benchmarks.harness.benchmark import Benchmark, Result, describe, progress
from benchmarks.harness.venvs import InstallError
from edgedigits import DigitClassifier
from edgedigits.bundle import Variant
from edgedigits.engines import EngineName
from edgedigits.errors import DatasetError, TargetError

VARIANTS: tuple[Variant, ...] = ("int8", "float32")
ENGINE: EngineName = "litert"


def measure(args: argparse.Namespace) -> Result:
    """Classify all sets with every variant."""
    classifiers: dict[str, DigitClassifier] = {one: DigitClassifier(variant=one, engine=ENGINE) for one in VARIANTS}
    sets = {
        name: _evaluate_set(one, classifiers, SMALLEST if args.smallest else one.count)
        for name, one in report_sets(args.data).items()
    }
    for variant, classifier in classifiers.items():
        found = sets["mnist"]["variants"][variant]
        found["bare"] = _accuracy_alone(classifier, found["n"])
    return {
        **describe(("edgedigits", "numpy", "pillow", ENGINE)),
        "split": "test", "seed": REPORT_SEED, "digits_sha256": digits("test").sha256(), "sets": sets,
    }  # fmt: skip


def _evaluate_set(one: SampleSet, classifiers: Mapping[str, DigitClassifier], count: int) -> dict[str, Any]:
    """Return the summary of a set for every classifier, or the reason why it cannot be had here."""
    progress(one.title)
    variants = {}
    for variant, classifier in classifiers.items():
        try:
            variants[variant] = summary(evaluate_samples(classifier, one.samples(REPORT_SEED, count)))
        except (InstallError, TargetError, DatasetError) as error:
            return {"title": one.title, "skipped": str(error)}
    return {"title": one.title, "goal": one.goal, "variants": variants}


def _accuracy_alone(classifier: DigitClassifier, count: int) -> float:
    """Return the accuracy of the model alone over the same digits, without preprocessing or refusals."""
    samples = list(arrays("test", REPORT_SEED, count))
    classes = classifier.classify_batch(np.stack([sample.image for sample in samples])).argmax(axis=1)
    return float(np.mean([str(found) == sample.truth for found, sample in zip(classes, samples, strict=True)]))


BENCHMARK = Benchmark(
    "reading", "Measure how well the shipped model reads single digits.", measure, sets_table, options=add_data_option
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
