"""Are the labels in the order of the model's classes? What the model says of labelled images tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.verification.statistics import wilson

# Of the images that the commonest label classifies wrongly, a model has to classify more than this share rightly.
_SLIGHT_AGREEMENT = 0.2
_NAMED = 12


def nearly_guessed(labels: NDArray[np.int64]) -> float:
    """Return the accuracy up to which a model is hardly better than predicting the commonest of ``labels``.

    Of the images with other labels, up to a fifth may be right by chance or by a few easy classes: "slight agreement"
    of J. Landis and G. Koch, "The measurement of observer agreement for categorical data", Biometrics 33 (1977).
    """
    majority = float(np.bincount(labels).max() / len(labels))
    return majority + _SLIGHT_AGREEMENT * (1 - majority)


def require_order(said: Sequence[NDArray[np.float32]], data: Dataset) -> None:
    """Raise where a model hardly knows the images as they are labelled, but well with its classes in another order.

    ``said`` holds probabilities ``[N, classes]`` of the images, one array for each scaling that may be the model's.

    Raises
    ------
    UsageError: the labels belong to the classes in another order; the message has it.

    """
    guessed = nearly_guessed(data.labels)
    right = max(int((one.argmax(axis=1) == data.labels).sum()) for one in said)
    if wilson(right, len(data))[0] > guessed:
        return
    orders = [
        (found, classes)
        for found, classes in (_classes_of_labels(one, data) for one in said)
        if len(set(classes)) == len(classes)
    ]  # one class for each label
    found, classes = max(orders, key=lambda each: each[0], default=(0, np.empty(0, np.int64)))
    if wilson(found, len(data))[0] <= max(guessed, 0.5):
        return
    order = [data.names[index] for index in np.argsort(classes)]
    was, would = f"{right / len(data):.1%} of {len(data)} images right", f"{found / len(data):.1%}"
    if order == [str(number) for number in range(len(order))]:
        raise UsageError(
            f"expected labels in the order of the model's classes, found {was}, where {would} are if it is 0, 1, 2 "
            f"and so on: if the labels in {data.source} are numbers that count the classes, write the names there in "
            f"their place, since {order[1]} is read as the label {order[1]}; if they are names, leave out --labels"
        )
    names = ", ".join(order[:_NAMED]) + (", ..." if len(order) > _NAMED else "")
    raise UsageError(
        f"expected labels in the order of the model's classes, found {was}, where {would} are if it is "
        f"{f'alphabetical ({names})' if order == sorted(order) else names}: write the labels in that order into a "
        "file, one a line, and name it with --labels"
    )


def _classes_of_labels(said: NDArray[np.float32], data: Dataset) -> tuple[int, NDArray[np.int64]]:
    """Return the class that a model answers most often for each label, and how many answers that are."""
    counts = np.zeros((len(data.names), said.shape[1]), np.int64)
    np.add.at(counts, (data.labels, said.argmax(axis=1)), 1)
    return int(counts.max(axis=1).sum()), counts.argmax(axis=1)
