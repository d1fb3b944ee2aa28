"""From which evidence on is an answer given? Choose the thresholds that a bundle's manifest carries.

`python benchmarks/reading/thresholds.py [-o FILE]` (`make thresholds`). Validation digits, matplotlib's fonts and one
seed choose; test digits, Debian's fonts and another seed judge (`measure.py`). The rule: the largest ``confidence``,
and then the largest ``margin``, with which no set of digits loses more than its budget of right answers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from canvas import arrays, canvas
from catalogue import TUNING_SEED
from drawing import Sample
from fonts import tuning_fonts
from letters import letters
from negatives import negatives
from numpy.typing import NDArray
from phone import empty_cells, pen_cells, printed_cells
from scanners import envelopes, forms

from edgedigits import DigitClassifier
from edgedigits.files import write_atomic
from edgedigits.images.rejection import judge

SCHEMA = 1
RESULT = Path(__file__).parents[1] / "results" / "thresholds.json"
CONFIDENCES = (*np.round(np.arange(0.3, 0.9, 0.05), 2), 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
MARGINS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
# Right answers that may be refused for want of evidence. Arrays may lose 0.5 % for all reasons together; half of that
# is kept for other handwriting than these. Drawn digits are to reach 99.9 %.
BUDGETS = {
    "mnist": 0.0025,
    "canvas": 0.0025,
    "pen cells": 0.005,
    "printed cells": 0.005,
    "envelopes": 0.01,
    "forms": 0.01,
}
COUNT = 5_000  # validation digits there are

Make = Callable[[int], Iterator[Sample]]
DIGITS: dict[str, Make] = {
    "mnist": lambda count: arrays("validation", TUNING_SEED, count),
    "canvas": lambda count: canvas("validation", TUNING_SEED, count),
    "pen cells": lambda count: pen_cells("validation", TUNING_SEED, count // 2),
    "printed cells": lambda count: printed_cells(TUNING_SEED, count // 4, tuning_fonts()),
    "envelopes": lambda count: envelopes("validation", TUNING_SEED, count // 2),
    "forms": lambda count: forms("validation", TUNING_SEED, count // 2),
}
NONE: dict[str, Make] = {
    "letters": lambda count: letters(TUNING_SEED, count, tuning_fonts()),
    "empty cells": lambda count: empty_cells(TUNING_SEED, count // 5),
    "noise and empty paper": lambda count: negatives(TUNING_SEED, count // 25),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A set after inference: scores float32 ``[N, classes]`` of what was inferred, which of them are right.

    ``total`` counts also what was refused before inference.
    """

    scores: NDArray[np.float32]
    right: NDArray[np.bool_]
    total: int

    def refused(self, parameters: dict[str, float]) -> NDArray[np.bool_]:
        """What the evidence is too weak for."""
        return np.array([judge(row, parameters) is not None for row in self.scores], bool)

    def lost(self, parameters: dict[str, float]) -> float:
        """Of right answers, the share refused."""
        return float(self.refused(parameters)[self.right].mean()) if self.right.any() else 0.0

    def accepted(self, parameters: dict[str, float]) -> float:
        """Of all pictures, the share answered."""
        return float((~self.refused(parameters)).sum() / self.total)


def see(classifier: DigitClassifier, samples: Iterable[Sample]) -> Seen:
    """Infer from all that passes the checks before inference."""
    scores, right, total = [], [], 0
    for sample in samples:
        total += 1
        said = classifier.classify(sample.image)
        if said.probabilities.size:
            scores.append(said.probabilities)
            right.append(said.label == sample.truth)
    return Seen(np.array(scores, np.float32).reshape(-1, len(classifier.labels)), np.array(right, bool), total)


def choose(digits: dict[str, Seen]) -> dict[str, float]:
    """The rule above: within the budgets of `BUDGETS`, confidence first."""
    chosen = {"confidence": 0.0, "margin": 0.0}
    for name, steps in (("confidence", CONFIDENCES), ("margin", MARGINS)):
        for step in steps:
            tried = {**chosen, name: float(step)}
            if any(seen.lost(tried) > BUDGETS[which] for which, seen in digits.items()):
                break
            chosen = tried
    return chosen


def point(parameters: dict[str, float], digits: dict[str, Seen], none: dict[str, Seen]) -> dict[str, Any]:
    """What these parameters cost and bring."""
    return {
        **parameters,
        "lost": {name: seen.lost(parameters) for name, seen in digits.items()},
        "accepted": {name: seen.accepted(parameters) for name, seen in none.items()},
    }


def result(classifier: DigitClassifier, count: int) -> dict[str, Any]:
    """Everything that is committed."""
    digits = {name: see(classifier, make(count)) for name, make in DIGITS.items()}
    none = {name: see(classifier, make(count)) for name, make in NONE.items()}
    chosen = choose(digits)
    curve = [{"confidence": float(step), "margin": chosen["margin"]} for step in CONFIDENCES]
    return {
        "schema": SCHEMA,
        "bundle": classifier.model_id.bundle,
        "variant": classifier.model_id.variant,
        "seed": TUNING_SEED,
        "budgets": BUDGETS,
        "counts": {name: seen.total for name, seen in {**digits, **none}.items()},
        "refused_before": {name: 1 - len(seen.scores) / seen.total for name, seen in {**digits, **none}.items()},
        "right": {name: float(seen.right.sum() / seen.total) for name, seen in digits.items()},
        "chosen": point(chosen, digits, none),
        "curve": [point(step, digits, none) for step in curve],
    }


def main() -> int:
    """Choose, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", help="the shipped one")
    parser.add_argument("--variant", default="int8")
    parser.add_argument("--count", type=int, default=COUNT, help=f"digits of each set, fewer for a quick look; {COUNT}")
    parser.add_argument("-o", type=Path, dest="output", help=f"write the result, e.g. {RESULT}")
    asked = parser.parse_args()
    told = result(DigitClassifier(asked.bundle, variant=asked.variant), asked.count)
    for step in [*told["curve"], told["chosen"]]:
        shares = {**step["lost"], **step["accepted"]}
        print(
            f"{step['confidence']:.3f} {step['margin']:.2f}",
            *(f"{name} {100 * value:.2f}" for name, value in shares.items()),
        )
    print(json.dumps({key: told[key] for key in ("right", "refused_before", "counts")}))
    if asked.output:
        write_atomic(asked.output, (json.dumps(told, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
