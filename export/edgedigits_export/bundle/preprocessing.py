"""Which pipeline turns pictures into a model's pixels: said by the user, or known from the training; never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from edgedigits.bundle import LOCATOR_BUNDLE, Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.datasets import Dataset
from edgedigits.errors import EdgeDigitsError, UsageError
from edgedigits.images.judge import PARAMETERS
from edgedigits.manifest import Preprocessing
from edgedigits.quiet import quiet_descriptor

Steps = Literal["digit", "resize"]
DIGITS = tuple("0123456789")
# So many pictures tell whether they are of digits, if more than half are read as their labels say.
_ASKED = 100


def choose_preprocessing(
    wanted: Steps | None, training: Mapping[str, Any] | None, labels: Sequence[str]
) -> Preprocessing:
    """Return the pipeline that was asked for; without a wish ``digit`` for what the trainer made of MNIST.

    Raises
    ------
    UsageError: ``digit`` is asked for, and the labels are not the ten digits in their order.

    """
    of_digits = tuple(labels) == DIGITS
    if wanted == "digit" and not of_digits:
        raise UsageError(
            f"--preprocess digit: expected the labels 0 to 9 in this order, found {', '.join(labels[:3])}, ...; "
            "say --preprocess resize"
        )
    from_mnist = str((training or {}).get("data", {}).get("source", "")).startswith("mnist:")
    if wanted == "digit" or (wanted is None and from_mnist and of_digits):
        return Preprocessing("digit/2", Bundle.load(LOCATOR_BUNDLE).id, dict(PARAMETERS))
    return Preprocessing("resize/1", None, {})


def look_like_digits(data: Dataset) -> bool:
    """Return whether the shipped model reads most of these labelled images, uint8 ``[N, H, W, C]``, as labelled.

    It is False where the labels are not those that ``digit`` takes, or no engine is installed.
    """
    if tuple(data.names) != DIGITS:
        return False
    asked = data.take(np.linspace(0, len(data) - 1, min(_ASKED, len(data))).astype(np.int64))
    try:
        with quiet_descriptor(2), DigitClassifier() as reader:  # engines tell of themselves
            read = [reader.classify(image) for image in asked.images]
    except EdgeDigitsError:
        return False
    right = sum(one.label == data.names[label] for one, label in zip(read, asked.labels, strict=True))
    return bool(2 * right > len(asked))
