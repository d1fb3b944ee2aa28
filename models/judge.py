"""Fit the rule that judges answers (`edgedigits.images.judge`) to drawn pictures, and print its weights.

    python -m models.judge [--bundle BUNDLE] [--count N]

The pictures are drawn with validation digits and held-out typefaces: cells and single digits, often cut tightly, some
empty or with a letter, and patterns. Nothing is fitted to photographs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits import DigitClassifier
from edgedigits.datasets import load_splits
from edgedigits.images.decode import read_pixels
from edgedigits.images.digits import see_one
from edgedigits.images.judge import PARAMETERS, fuse
from edgedigits_train.scenes.examples import draw_small
from edgedigits_train.scenes.placing import Source
from edgedigits_train.scenes.typefaces import usable_fonts
from edgedigits_train.scenes.writing import Digits
from edgedigits_train.synthetic.patterns import random_pattern

Floats = NDArray[np.float64]

_KEY = 0x4A554447  # "JUDG"
_SIDE = 100
_PATTERNS = 0.15
# The locator's weight was chosen on photographs with odd numbers: from 0.25 to 1 it changes little, 0 loses digits that
# are set among lines.
_LOCATOR = 0.5
_EDGE = 1e-4


class Sample(NamedTuple):
    """What was said of one picture: both opinions, the locator's probability, and the truth, -1 for no digit."""

    classified: NDArray[np.float32]
    located: NDArray[np.float32]
    found: float
    truth: int


def main() -> None:
    """Draw, classify, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", help="the bundle whose rule is fitted (default: the default bundle)")
    parser.add_argument("--count", type=int, default=6000, help="the number of pictures")
    args = parser.parse_args()
    samples = list(draw_samples(DigitClassifier(args.bundle), args.count))
    print(json.dumps(fit(samples), indent=1))


def draw_samples(classifier: DigitClassifier, count: int) -> Iterator[Sample]:
    """Yield what a classifier and its locator say of drawn pictures that nobody would refuse for their number."""
    source = Source(Digits(load_splits("mnist", read_pixels).validation), usable_fonts(held_out=True))
    rng = np.random.default_rng(_KEY)
    for _ in range(count):
        grey, truth = _draw(source, rng)
        seen = see_one(classifier.locator, grey)
        if seen.rejected == "several_digits" or seen.opinion is None or seen.found is None:
            continue
        (classified,) = classifier.classify_batch(seen.image[np.newaxis])
        yield Sample(classified, seen.opinion, 0.0 if seen.rejection else seen.found, truth)


def _draw(source: Source, rng: np.random.Generator) -> tuple[NDArray[np.uint8], int]:
    if rng.random() < _PATTERNS:
        return random_pattern(int(rng.integers(24, 140)), rng), -1
    picture = draw_small(source, rng, _SIDE)
    middle = np.array(picture.grey.shape) / 2
    for truth in picture.truths:
        inside = (np.array(truth.box[:2]) <= middle).all() and (middle <= np.array(truth.box[2:])).all()
        if 0 <= truth.label < 10 and inside and truth.visible > 0.8:
            return picture.grey, truth.label
    return picture.grey, -1


def fit(samples: list[Sample]) -> dict[str, float]:
    """Return the weights that judge these samples best."""
    classified, located = (np.stack([getattr(one, name) for one in samples]) for name in ("classified", "located"))
    found = np.array([one.found for one in samples])
    truth = np.array([one.truth for one in samples])
    fused = fuse(classified, located, {"locator": _LOCATOR})
    right = (fused.argmax(axis=1) == truth).astype(float)
    features = np.stack([np.ones(len(found)), _logit(found), _logit(fused.max(axis=1))], axis=1)
    offset, of_found, of_sure = logistic(features, right).tolist()
    rule = {"locator": _LOCATOR, "offset": offset, "found": of_found, "sure": of_sure}
    return {**rule, **{name: PARAMETERS[name] for name in ("confidence", "margin")}}


def logistic(features: Floats, wanted: Floats, ridge: float = 1e-3) -> Floats:
    """Return the weights of a logistic regression, by Newton's method."""
    weights = np.zeros(features.shape[1])
    for _ in range(50):
        likely = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (likely - wanted) + ridge * weights
        curve = (features * (likely * (1 - likely))[:, None]).T @ features + ridge * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _logit(probability: NDArray[np.float64] | NDArray[np.float32]) -> Floats:
    inside = np.clip(probability.astype(np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)))


if __name__ == "__main__":
    main()
