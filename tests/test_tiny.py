"""The product in thirty lines: a bundle ships, proves itself, reads real digits, and says who answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits import Bundle, DigitClassifier
from edgedigits.engines import installed_engines

DIGITS = Path(__file__).parent / "data" / "digits.npz"


def test_the_shipped_model_reads_real_digits() -> None:
    with np.load(DIGITS) as data:
        images, labels = data["images"], data["labels"]
    with DigitClassifier() as classifier:
        probabilities = classifier.classify_batch(images)
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (len(images), 10)
        assert (probabilities.argmax(axis=1) == labels).mean() >= 0.98
        assert np.abs(probabilities.sum(axis=1) - 1).max() <= 1e-5
        # It is in doubt about what is no digit.
        none = classifier.classify_batch(np.ascontiguousarray(images[:, ::-1, ::-1]) ^ np.uint8(255))
        assert none.max(axis=1).mean() < 0.6
        assert probabilities.max(axis=1).mean() > 0.95

        prediction = classifier.classify(images[0])
        assert prediction.label == str(labels[0])
        assert np.array_equal(prediction.model_input, images[0, ..., 0])
        on_paper = classifier.classify(np.kron(255 - images[0, ..., 0], np.ones((5, 5), np.uint8)))
        assert on_paper.label == prediction.label
        assert prediction.model.bundle == Bundle.load().id


@pytest.mark.parametrize("engine", installed_engines())
def test_probabilities_of_an_int8_file_are_not_int8(engine: str) -> None:
    with np.load(DIGITS) as data:
        images = np.concatenate([np.roll(data["images"], shift, axis=1) for shift in range(-2, 3)])
    with DigitClassifier(variant="int8", engine=engine) as classifier:
        # Of 5,000 values; an int8 softmax could tell 256 apart, and would say 0.99609 for most winners.
        assert len(np.unique(classifier.classify_batch(images))) > 1000
