"""Which thresholds of evidence should a bundle's manifest carry? Chooses them on validation digits.

`python -m benchmarks.accuracy.thresholds [-o FILE]`, or `make thresholds`. Validation digits and one seed choose; test
digits and another seed report (`reading`). The rule: the largest ``confidence``, then the largest ``margin``, with
which no set of digits loses more right predictions than its budget.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.canvas import arrays, canvas
from benchmarks.accuracy.reading_tables import percent
from benchmarks.accuracy.sample_sets import SMALLEST, TUNING_SEED
from benchmarks.accuracy.samples import LabelledPicture
from benchmarks.harness.benchmark import Benchmark, Result, describe
from benchmarks.harness.markdown import markdown_table
from edgedigits import DigitClassifier
from edgedigits.engines import EngineName
from edgedigits.images.rejection import judge

ENGINE: EngineName = "litert"
CONFIDENCES = (*np.round(np.arange(0.3, 0.9, 0.05), 2), 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
MARGINS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
# The share of right predictions that may be refused for want of evidence. Arrays may lose 0.5 % for all reasons
# together; half of that is kept for other handwriting than these.
BUDGETS = {"mnist": 0.0025, "canvas": 0.0025}
COUNT = 5_000  # the validation digits

DIGITS: Mapping[str, Callable[[int], Iterator[LabelledPicture]]] = {
    "mnist": lambda count: arrays("validation", TUNING_SEED, count),
    "canvas": lambda count: canvas("validation", TUNING_SEED, count),
}


@dataclass(frozen=True, slots=True)
class Scores:
    """A set after inference.

    Attributes
    ----------
    scores: float32 ``[N, classes]`` of what was inferred.
    right: bool ``[N]``, which of them have the right class.
    total: pictures of the set, those refused before inference among them.

    """

    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    total: int

    def refused(self, parameters: dict[str, float]) -> NDArray[np.bool_]:
        """Return for which scores the evidence is too weak."""
        return np.array([judge(row, parameters) is not None for row in self.scores], bool)

    def lost(self, parameters: dict[str, float]) -> float:
        """Return the share of right predictions that is refused."""
        return float(self.refused(parameters)[self.right].mean()) if self.right.any() else 0.0


def infer_scores(classifier: DigitClassifier, samples: Iterable[LabelledPicture]) -> Scores:
    """Infer everything that passes the checks before inference."""
    scores, right, total = [], [], 0
    for sample in samples:
        total += 1
        prediction = classifier.classify(sample.image)
        if prediction.probabilities.size:
            scores.append(prediction.probabilities)
            right.append(prediction.label == sample.truth)
    return Scores(np.array(scores, np.float32).reshape(-1, len(classifier.labels)), np.array(right, bool), total)


def choose(digits: Mapping[str, Scores]) -> dict[str, float]:
    """Return the largest thresholds within `BUDGETS`, confidence first."""
    chosen = {"confidence": 0.0, "margin": 0.0}
    for name, steps in (("confidence", CONFIDENCES), ("margin", MARGINS)):
        for step in steps:
            tried = {**chosen, name: float(step)}
            if any(one.lost(tried) > BUDGETS[which] for which, one in digits.items()):
                break
            chosen = tried
    return chosen


def measure(args: argparse.Namespace) -> Result:
    """Infer all sets, choose, and tell what the choice costs and brings."""
    classifier, count = DigitClassifier(variant="int8", engine=ENGINE), SMALLEST if args.smallest else COUNT
    digits = {name: infer_scores(classifier, samples(count)) for name, samples in DIGITS.items()}

    chosen = choose(digits)
    lost = {name: one.lost(chosen) for name, one in digits.items()}
    return {
        **describe(("edgedigits", "numpy", "pillow", ENGINE)),
        "variant": classifier.model_id.variant,
        "seed": TUNING_SEED,
        "budgets": BUDGETS,
        "counts": {name: one.total for name, one in digits.items()},
        "refused_before": {name: 1 - len(one.scores) / one.total for name, one in digits.items()},
        "chosen": {**chosen, "lost": lost},
    }


def thresholds_table(result: Result) -> str:
    """Return what the chosen thresholds cost and bring, a row a set."""
    chosen = result["chosen"]
    columns = result["refused_before"], chosen["lost"], result["budgets"]
    counts = result["counts"].items()
    rows = [(name, f"{count:,}", *(percent(shares[name]) for shares in columns)) for name, count in counts]
    head = ("set", "n", "refused before inference", "right answers lost to evidence", "budget")
    note = (
        f"Chosen: `confidence` {chosen['confidence']:g}, `margin` {chosen['margin']:g}; {result['variant']} of bundle "
        f"`{result['bundle'][:12]}`, seed {result['seed']}. `mnist` are validation digits as they are, `canvas` "
        "generated pictures of them."
    )
    return markdown_table(head, "lr", rows, note)


BENCHMARK = Benchmark(
    "thresholds", "Choose the thresholds of evidence of a bundle's manifest.", measure, thresholds_table
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
