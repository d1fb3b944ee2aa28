"""The one digit of a picture: one that is cut tightly is found, with its box in the picture's own pixels."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.classifier import DigitClassifier
from edgedigits.datasets import Dataset


def cut(image: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(image > 60)
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


@pytest.mark.parametrize("polarity", [1, -1])
def test_digits_that_are_cut_at_their_ink_are_read(digits: Dataset, polarity: int) -> None:
    """Without a frame of paper around them 92 of these 100 are, dark or light."""
    right = 0
    with DigitClassifier() as classifier:
        for image, label in zip(digits.images[..., 0], digits.labels, strict=True):
            picture = cut(image) if polarity == 1 else 255 - cut(image)
            found = classifier.classify(picture)
            right += found.label == str(label) and found.rejected is None
            if found.box is not None:
                height, width = picture.shape
                top, left, bottom, right_side = found.box
                assert 0 <= top < bottom <= height
                assert 0 <= left < right_side <= width
    assert right >= 95
