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
    labels, confidences = np.zeros(len(pictures), np.intp), np.zeros(len(pictures), np.float32)
    rejected: list[Reason | None] = [None] * len(pictures)
    probabilities = classifier.classify_batch(pictures[ready])
    labels[ready], confidences[ready] = probabilities.argmax(axis=1), probabilities.max(axis=1)
    if digits:
        for at, reason in zip(
            np.flatnonzero(ready).tolist(), refusals(probabilities, classifier.parameters), strict=True
        ):
            rejected[at] = reason
    for at in np.flatnonzero(~ready).tolist():
        one = classifier.classify(pictures[at])
        labels[at], confidences[at], rejected[at] = one.digit, one.confidence, one.rejection and one.rejection.reason
    return Answers([classifier.labels[label] for label in labels.tolist()], confidences.tolist(), rejected)
