"""Comparing locators: what each one says at the places where Keras finds a digit or a mark.

So maps become what classifiers give, probabilities of classes, and are compared and judged alike. The last class is
"nothing found here": no peak within a pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.images.locator import CLASSES, find_in_maps

Floats = NDArray[np.float32]

# Keras finds what has at least this probability; there the other locator has to find it, at any probability.
_SURE = 0.3
# How far the middle of the other box may be, in pixels.
_NEAR = 1.0


class Places(NamedTuple):
    """What Keras finds in a set of fields.

    Attributes
    ----------
    places: number of the field, and middle of the box (down, right) in pixels, float32 ``[P, 3]``.
    probabilities: of the classes and, last, of nothing, float32 ``[P, CLASSES + 1]``.

    """

    places: Floats
    probabilities: Floats


def find_places(maps: Floats) -> Places:
    """Return what is found in the maps of fields, float32 ``[N, h, w, channels]``."""
    rows, probabilities = [], []
    for number, one in enumerate(maps):
        for found in find_in_maps(one):
            if found.score >= _SURE:
                rows.append((number, *_middle(found.box)))
                probabilities.append(_shares(found.scores))
    return Places(
        np.array(rows, np.float32).reshape(-1, 3), np.array(probabilities, np.float32).reshape(-1, CLASSES + 1)
    )


def at_places(maps: Floats, places: Floats) -> Floats:
    """Return what the maps of the same fields say at ``places``, float32 ``[P, CLASSES + 1]``."""
    said = np.zeros((len(places), CLASSES + 1), np.float32)
    said[:, CLASSES] = 1
    for number in np.unique(places[:, 0]).astype(int):
        found = find_in_maps(maps[number])
        middles = np.array([_middle(one.box) for one in found], np.float32).reshape(-1, 2)
        for row in np.flatnonzero(places[:, 0] == number):
            away = np.abs(middles - places[row, 1:]).max(axis=1)
            if len(away) and away.min() <= _NEAR:
                said[row] = _shares(found[int(away.argmin())].scores)
    return said


def comparable(bundle: Bundle, outputs: Floats) -> Floats:
    """Return a model's outputs for the reference's images in the form in which outputs are compared."""
    return outputs if bundle.manifest.task == "classify" else at_places(outputs, bundle.places())


def true_labels(bundle: Bundle, data: Dataset, reference: Floats | None) -> NDArray[np.int64]:
    """Return the labels that the outputs are to have: those of the data or, of a locator, Keras' own."""
    if bundle.manifest.task == "classify" or reference is None:
        return data.labels
    return np.asarray(reference.argmax(axis=1), np.int64)


def _middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _shares(scores: Floats) -> Floats:
    return np.append(scores / scores.sum(), np.float32(0))
