"""Classifying ready arrays in batches, with the answers that `DigitClassifier.classify` gives for each by itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.classifier import DigitClassifier
from edgedigits.images.convention import SIZE, follow_mnist
from edgedigits.images.judge import Reason, refusals


class Answers(NamedTuple):
    """Of each picture the label, its probability, and why it is no answer, or None."""

    labels: list[str]
    confidences: list[float]
    rejected: list[Reason | None]


def takes_batches(classifier: DigitClassifier, shape: tuple[int, ...]) -> bool:
    """Return whether pictures of this shape may be model inputs as they are."""
    height, width, channels = classifier.image_shape
    if classifier.pipeline == "digit/2" and (height, width) != (SIZE, SIZE):
        return False
    return shape == (height, width, channels) or (channels == 1 and shape == (height, width))


def classify_ready(classifier: DigitClassifier, pictures: NDArray[np.uint8], *, mnist: bool) -> Answers:
    """Classify pictures, uint8 ``[N, H, W]`` or ``[N, H, W, C]``, of a shape that `takes_batches`.

    Those that are not as MNIST's are, which a locator has to look at, are classified one by one.
    """
    digits = classifier.pipeline == "digit/2"
    ready = follow_mnist(pictures) if digits and not mnist else np.ones(len(pictures), np.bool_)
    # Without a copy where all are ready, which is the rule.
    probabilities = classifier.classify_batch(pictures if ready.all() else pictures[ready])
    labels = [classifier.labels[digit] for digit in probabilities.argmax(axis=1).tolist()]
    confidences = probabilities.max(axis=1).tolist()
    rejected: list[Reason | None] = refusals(probabilities, classifier.parameters) if digits else [None] * len(labels)
    for at in np.flatnonzero(~ready).tolist():  # from the first to the last, so that each comes into its place
        one = classifier.classify(pictures[at])
        labels.insert(at, one.label)
        confidences.insert(at, one.confidence)
        rejected.insert(at, one.rejection and one.rejection.reason)
    return Answers(labels, confidences, rejected)
